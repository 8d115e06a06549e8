# Built in one image, run in another: no compiler, no pip, not root, nothing to be written to but
# /data and /tmp. docs/deployment.md says how to run it.

FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PIP_CONSTRAINT=/src/constraints.txt \
    PIP_BUILD_CONSTRAINT=/src/constraints.txt
WORKDIR /src
RUN python -m venv /opt/coze-bridge
# What changes seldom comes first: this layer has what the bridge needs, around an empty one.
COPY constraints.txt pyproject.toml README.md LICENSE ./
RUN mkdir bridge adapters \
    && touch bridge/__init__.py adapters/__init__.py \
    && /opt/coze-bridge/bin/python -m pip install '.[cluster,tracing]'
COPY bridge bridge
COPY adapters adapters
# Compiled by content: files keep their dates on the way into another image, but need not.
RUN /opt/coze-bridge/bin/python -m pip install --no-deps --force-reinstall . \
    && /opt/coze-bridge/bin/python -m pip uninstall --yes pip setuptools wheel \
    && python -m compileall -q -f --invalidation-mode unchecked-hash /opt/coze-bridge/lib

FROM python:3.11-slim-bookworm
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="coze-bridge" \
      org.opencontainers.image.description="Put a Coze agent on Telegram, Slack and the web" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN useradd --system --uid 10001 --home-dir /data --create-home bridge \
    && python -m pip uninstall --yes pip setuptools wheel
COPY --from=build /opt/coze-bridge /opt/coze-bridge
# The port stands here, above a configuration file, so that HEALTHCHECK knows it.
ENV PATH=/opt/coze-bridge/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONFAULTHANDLER=1 \
    COZE_BRIDGE_SERVER__HOST=0.0.0.0 \
    COZE_BRIDGE_SERVER__PORT=8080
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
# SIGTERM drains running answers: give `docker stop --time` a little more than server.grace.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", \
    "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['COZE_BRIDGE_SERVER__PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["coze-bridge"]
CMD ["run"]
