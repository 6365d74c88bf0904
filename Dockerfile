# The production image: web, worker and beat all run from it.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
RUN useradd --create-home --uid 10001 rakuraku && mkdir /app/var && chown rakuraku /app/var

COPY pyproject.toml constraints.txt README.md ./
# The sandbox profile needs Flask; the embedded engines are left out.
RUN pip install --no-cache-dir --constraint constraints.txt . flask
COPY manage.py ./
COPY rakuraku rakuraku
COPY masters masters
COPY expenses expenses
COPY punchout punchout
COPY templates templates
COPY static static
COPY docs/manual docs/manual

# Static files need no engine and no real secret.
RUN RAKURAKU_ENV=demo DATABASE_URL=postgresql://none@127.0.0.1/none REDIS_URL=redis://127.0.0.1/0 \
    RAKURAKU_VAR=/app/var python manage.py collectstatic --noinput \
    && rm -rf /app/var/secrets && chown -R rakuraku /app/var

USER rakuraku
EXPOSE 8000
CMD ["python", "-m", "rakuraku.entry", "web"]
