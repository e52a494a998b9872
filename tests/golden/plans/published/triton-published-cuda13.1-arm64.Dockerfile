# triton-published-cuda13.1-arm64: Triton Inference Server with all its backends behind KServe's v2 protocol, from NVIDIA's image
# Rendered from dockerfiles/published-image.Dockerfile.j2: change that, not this.
# Contexts: nvidia-triton (the published image), recipe (recipes/triton-published)

# ---- the published image, with what it lacks -------------------------------------------------------------------
FROM nvidia-triton AS image
USER 0:0
# Written without a program of the image: it may be another platform's than the one that builds.
COPY --chmod=0644 <<"EOF" /app/healthcheck.py
import http.client, os, sys

port = "8096"
words = open("/proc/1/cmdline", encoding="utf-8", errors="replace").read().split("\0")
for word, following in zip(words, words[1:]):
    if word == "--http-port":
        port = following
connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=2)
try:
    connection.request("GET", "/v2/health/ready")
    status = connection.getresponse().status
except (OSError, http.client.HTTPException) as error:
    sys.exit(f"no answer: {error}")
print(status)
sys.exit(status != 200)
EOF

ENV NVIDIA_DRIVER_CAPABILITIES="compute,utility"
ENV NVIDIA_VISIBLE_DEVICES="all"
LABEL io.bakehouse.accelerator="cuda"
LABEL io.bakehouse.archs="sm_75,sm_80,sm_86,sm_89,sm_90,sm_100,sm_120"
LABEL io.bakehouse.cell="triton-published-cuda13.1-arm64"
LABEL io.bakehouse.driver-floor="590.48.01"
LABEL io.bakehouse.driver-floor-minor="580"
LABEL io.bakehouse.flag-set="default"
LABEL io.bakehouse.ptx="sm_120"
LABEL io.bakehouse.recipe="triton-published"
LABEL io.bakehouse.toolkit="cuda 13.1.1"
LABEL org.opencontainers.image.base.name="nvcr.io/nvidia/tritonserver:26.02-py3"
LABEL org.opencontainers.image.description="Triton Inference Server with all its backends behind KServe's v2 protocol, from NVIDIA's image"
LABEL org.opencontainers.image.title="triton-published-cuda13.1-arm64"
LABEL org.opencontainers.image.version="26.02-py3"
USER 65532:65532
EXPOSE 8096
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=120s --retries=3 \
    CMD ["python3", "/app/healthcheck.py"]
ENTRYPOINT ["/opt/tritonserver/bin/tritonserver", "--http-port=8096", "--grpc-port=8097", "--metrics-port=8098"]
CMD ["--model-repository=/repository"]
