# vllm-published-xpu2025.3-amd64: vLLM with OpenAI's API, from the images of NVIDIA, AMD and Intel
# Rendered from dockerfiles/published-image.Dockerfile.j2: change that, not this.
# Contexts: intel-vllm (the published image), recipe (recipes/vllm-published)

# ---- the published image, with what it lacks -------------------------------------------------------------------
FROM intel-vllm AS image
USER 0:0
# Written without a program of the image: it may be another platform's than the one that builds.
COPY --chmod=0644 <<"EOF" /app/healthcheck.py
import http.client, os, sys

port = "8000"
words = open("/proc/1/cmdline", encoding="utf-8", errors="replace").read().split("\0")
for word, following in zip(words, words[1:]):
    if word == "--port":
        port = following
connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=2)
try:
    connection.request("GET", "/health")
    status = connection.getresponse().status
except (OSError, http.client.HTTPException) as error:
    sys.exit(f"no answer: {error}")
print(status)
sys.exit(status != 200)
EOF

ENV HF_HUB_OFFLINE="1"
ENV HOME="/tmp"
ENV VLLM_NO_USAGE_STATS="1"
LABEL io.bakehouse.accelerator="xpu"
LABEL io.bakehouse.cell="vllm-published-xpu2025.3-amd64"
LABEL io.bakehouse.flag-set="default"
LABEL io.bakehouse.recipe="vllm-published"
LABEL io.bakehouse.toolkit="xpu 2025.3.3"
LABEL org.opencontainers.image.base.name="docker.io/intel/vllm:0.21.0-xpu"
LABEL org.opencontainers.image.description="vLLM with OpenAI's API, from the images of NVIDIA, AMD and Intel"
LABEL org.opencontainers.image.title="vllm-published-xpu2025.3-amd64"
LABEL org.opencontainers.image.version="0.21.0-xpu"
USER 65532:65532
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=300s --retries=3 \
    CMD ["python3", "/app/healthcheck.py"]
ENTRYPOINT ["python3", "-m", "vllm.entrypoints.openai.api_server"]
CMD []
