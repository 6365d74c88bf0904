"""Pages and endpoints of catalogues."""
