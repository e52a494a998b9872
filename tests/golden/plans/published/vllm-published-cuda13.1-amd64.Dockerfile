# vllm-published-cuda13.1-amd64: vLLM with OpenAI's API, from the images of NVIDIA, AMD and Intel
# Rendered from dockerfiles/published-image.Dockerfile.j2: change that, not this.
# Contexts: nvidia-vllm (the published image), recipe (recipes/vllm-published)

# ---- the published image, with what it lacks -------------------------------------------------------------------
FROM nvidia-vllm AS image
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
ENV NVIDIA_DRIVER_CAPABILITIES="compute,utility"
ENV NVIDIA_VISIBLE_DEVICES="all"
ENV VLLM_NO_USAGE_STATS="1"
LABEL io.bakehouse.accelerator="cuda"
LABEL io.bakehouse.archs="sm_80,sm_86,sm_90,sm_100,sm_120,sm_121"
LABEL io.bakehouse.cell="vllm-published-cuda13.1-amd64"
LABEL io.bakehouse.driver-floor="590.48.01"
LABEL io.bakehouse.driver-floor-minor="580"
LABEL io.bakehouse.flag-set="default"
LABEL io.bakehouse.ptx="sm_120"
LABEL io.bakehouse.recipe="vllm-published"
LABEL io.bakehouse.toolkit="cuda 13.1.1"
LABEL org.opencontainers.image.base.name="nvcr.io/nvidia/vllm:26.02-py3"
LABEL org.opencontainers.image.description="vLLM with OpenAI's API, from the images of NVIDIA, AMD and Intel"
LABEL org.opencontainers.image.title="vllm-published-cuda13.1-amd64"
LABEL org.opencontainers.image.version="26.02-py3"
USER 65532:65532
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=300s --retries=3 \
    CMD ["python3", "/app/healthcheck.py"]
ENTRYPOINT ["python3", "-m", "vllm.entrypoints.openai.api_server"]
CMD []
