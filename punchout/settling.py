"""経費精算 from purchase data (being written)."""
