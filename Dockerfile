# Three stages: the first installs the libraries with pip, the second is the base system without installers and terminal
# tools, the third is the image: one layer each for the system, the libraries and the shop.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
# binutils strips debug symbols from the libraries: 9 MB of 110.
RUN apt-get update && apt-get install --yes --no-install-recommends binutils
# The virtual environment has no pip: the pip of the base image installs into it.
RUN python -m venv --without-pip /venv
COPY requirements-redis.txt /tmp/
RUN python -m pip --python /venv/bin/python install \
        --no-cache-dir --no-compile --disable-pip-version-check --root-user-action=ignore \
        --require-hashes -r /tmp/requirements-redis.txt \
    && find /venv/lib -type d \( -name tests -o -name testing \) -prune -exec rm -rf {} + \
    && find /venv/lib -name '*.so' -exec strip --strip-unneeded {} +
COPY . /app
# Bytecode is compiled here, because the file system is read-only at run time, and only for modules that the shop imports:
# for all modules of the libraries it would be 14 MB more.
WORKDIR /app
RUN DATA_DIR=/tmp/data /venv/bin/python -c "\
import gunicorn.app.wsgiapp, gunicorn.workers.base, psycopg, redis, sqlalchemy.dialects.postgresql.psycopg; \
import storefront, storefront.server.bootstrap, storefront.server.gunicorn, storefront.server.compatibility; \
import storefront.documents.pdf, storefront.upsell.llm.client; storefront.upsell.llm.client.warm_up(); \
app = storefront.create_app(); storefront.server.bootstrap.prepare(app); app.test_client().get('/t/aurora/')" \
    && chmod -R u=rwX,go=rX /app /venv

FROM python:${PYTHON}-slim AS system
RUN rm -rf /usr/share/locale /usr/share/man /usr/share/python-wheels \
        /usr/local/lib/python3*/site-packages/* /usr/local/lib/python3*/ensurepip /usr/local/lib/python3*/idlelib \
        /usr/local/bin/pip* /usr/local/bin/idle* \
    && groupadd --gid 10001 shop \
    && useradd --uid 10001 --gid 10001 --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin shop \
    && install -d -m 0700 -o 10001 -g 10001 /data

# From scratch, because files deleted by a later layer stay in the earlier one and are pulled and stored with it.
FROM scratch
COPY --from=system / /
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=1 \
    HOST=0.0.0.0 \
    PORT=8000 \
    DATA_DIR=/data
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER 10001:10001
VOLUME /data
EXPOSE 8000
# http.client, because urllib would use the proxy in HTTP_PROXY.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, sys; from http.client import HTTPConnection as H; c = H('127.0.0.1', int(os.environ.get('PORT') or 8000), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
# gunicorn.conf.py is read from the working directory; the master migrates, imports the catalogue and then forks.
CMD ["gunicorn"]
