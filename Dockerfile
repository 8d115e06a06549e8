# Built in one image, run in another: no compiler, no pip cache, not root.
FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_CONSTRAINT=/src/constraints.txt
WORKDIR /src
COPY constraints.txt ./
RUN python -m venv /opt/coze-bridge
COPY pyproject.toml README.md LICENSE ./
COPY bridge bridge
COPY adapters adapters
RUN /opt/coze-bridge/bin/pip install .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home bridge
COPY --from=build /opt/coze-bridge /opt/coze-bridge
ENV PATH=/opt/coze-bridge/bin:$PATH PYTHONUNBUFFERED=1 COZE_BRIDGE_SERVER__HOST=0.0.0.0
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
# SIGTERM drains running answers: give `docker stop --time` a little more than server.grace.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s CMD ["python", "-c", \
    "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('COZE_BRIDGE_SERVER__PORT', '8080') + '/healthz', timeout=4)"]
ENTRYPOINT ["coze-bridge"]
CMD ["run"]
