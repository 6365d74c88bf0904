"""The bare Celery round trip that the way of an order is compared with."""

import os

import redis
from celery import Celery

# Not the current application of the process that measures: that is the product's.
app = Celery("bench", broker=os.environ["REDIS_URL"], set_as_current=False)
app.conf.task_default_queue = "bench"
app.conf.task_ignore_result = True
app.conf.broker_connection_retry_on_startup = True


@app.task(name="bench.answer")
def answer(key: str) -> None:
    """Say that it arrived."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.lpush(key, "1")
