# openvino-xpu2025.3-amd64: Chat and completions by OpenVINO GenAI behind OpenAI's API, on processors and on Intel's cards
# Rendered from dockerfiles/python-server.Dockerfile.j2: change that, not this.
# Contexts: debian-bookworm (base), recipe (recipes/openvino), shared-service

# ---- installer: the same for every recipe of wheels on this base ----------------------------------------------
FROM debian-bookworm AS installer
RUN --mount=type=secret,id=network \
    --mount=type=secret,id=ca-bundle \
    --mount=type=cache,id=bakehouse-apt-lists,target=/var/lib/apt/lists,sharing=locked \
    --mount=type=cache,id=bakehouse-apt-archives,target=/var/cache/apt,sharing=locked \
    if [ -f /run/secrets/network ]; then . /run/secrets/network; fi \
 && rm -f /etc/apt/apt.conf.d/docker-clean \
 && apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      -o APT::Keep-Downloaded-Packages=true -o Dpkg::Use-Pty=0 \
      python3 python3-pip binutils

# ---- the environment: the locked wheels, without what a server never reads -------------------------------------
FROM installer AS environment
ARG SOURCE_DATE_EPOCH
RUN --mount=type=secret,id=network \
    --mount=type=secret,id=ca-bundle \
    --mount=type=cache,id=bakehouse-pip,target=/root/.cache/pip \
    --mount=type=bind,from=recipe,source=requirements.xpu-amd64.txt,target=/requirements.txt \
    if [ -f /run/secrets/network ]; then . /run/secrets/network; fi \
 && python3.11 -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
      --require-hashes --no-deps --only-binary :all: --no-compile \
      --target /out/env/lib/python3.11/site-packages --requirement /requirements.txt \
 && mkdir -p /out/env/bin && cd /out/env \
 && if [ -d /out/env/lib/python3.11/site-packages/bin ]; then mv /out/env/lib/python3.11/site-packages/bin/* bin/ && rmdir /out/env/lib/python3.11/site-packages/bin && sed -i '1s|^#!.*python.*|#!/app/env/bin/python|' bin/*; fi \
 && ln -s /usr/bin/python3.11 bin/python \
 && printf 'home = /usr/bin\ninclude-system-site-packages = false\nversion = %s\n' 3.11 > pyvenv.cfg \
 && echo /app > /out/env/lib/python3.11/site-packages/app.pth \
 && find /out/env/lib/python3.11/site-packages \( -type d \( -name __pycache__ -o -name tests \) -o -type f \( -name '*.a' -o -name '*.h' -o -name '*.hpp' -o -name '*.pyx' -o -name '*.pxd' \) \) -prune -exec rm -r {} + \
 && (cd /out/env/lib/python3.11/site-packages && rm -r openvino/libs/libopenvino_intel_npu_*.so) \

 && cd /out/env/lib/python3.11/site-packages \
 && if [ -d nvidia ]; then mkdir /spare && mv nvidia /spare/; fi \
 && while \
      moved=; \
      for name in $(find . -name '*.so*' -type f -exec readelf -d {} + | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u); do \
        path="$(cd /spare 2> /dev/null && find nvidia -name "$name" | head -n 1)"; \
        if [ -n "$path" ] && [ ! -e "$path" ]; then mkdir -p "$(dirname "$path")" && cp -a "/spare/$path" "$path" && moved=yes; fi; \
      done; \
      [ -n "$moved" ]; \
    do :; done \
 && rm -rf /spare \
 && chmod -R u=rwX,go=rX /out \
 && find /out -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

# ---- the server: the recipe's own files, and those that recipes share ------------------------------------------
FROM installer AS application
ARG SOURCE_DATE_EPOCH
RUN mkdir -p /out \
 && printf '%s\n' \
      'import http.client, os, sys' \
      '' \
      'port = os.environ.get("PORT") or "8000"' \
      'connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=2)' \
      'try:' \
      '    connection.request("GET", "/ready")' \
      '    status = connection.getresponse().status' \
      'except (OSError, http.client.HTTPException) as error:' \
      '    sys.exit(f"no answer: {error}")' \
      'print(status)' \
      'sys.exit(status != 200)' \
      > /out/healthcheck.py \
 && chmod -R u=rwX,go=rX /out \
 && find /out -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
RUN --mount=type=bind,from=recipe,target=/recipe \
    --mount=type=bind,from=shared-service,target=/shared-service \
    for folder in /recipe/app /shared-service; do if [ -d "$folder" ]; then cp -r "$folder/." /out/; fi; done \
 && find /out \( -name __pycache__ -o -name tests \) -type d -prune -exec rm -r {} + \
 && chmod -R u=rwX,go=rX /out \
 && find /out -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

# ---- Python and the libraries that wheels expect of a system ---------------------------------------------------
FROM debian-bookworm AS runtime
ARG SOURCE_DATE_EPOCH
RUN --mount=type=secret,id=network \
    --mount=type=secret,id=ca-bundle \
    --mount=type=cache,id=bakehouse-apt-lists,target=/var/lib/apt/lists,sharing=locked \
    --mount=type=cache,id=bakehouse-apt-archives,target=/var/cache/apt,sharing=locked \
    if [ -f /run/secrets/network ]; then . /run/secrets/network; fi \
 && rm -f /etc/apt/apt.conf.d/docker-clean \
 && apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      -o APT::Keep-Downloaded-Packages=true -o Dpkg::Use-Pty=0 \
      python3 intel-opencl-icd ocl-icd-libopencl1 \
 && rm /usr/bin/ocloc /usr/include/ocloc_api.h \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && rm -rf /var/log/* /var/cache/ldconfig/* /var/cache/debconf/*-old /var/lib/dpkg/*-old \
 && find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /etc/hosts -o -path /etc/hostname -o -path /etc/resolv.conf \) -prune -o \
      -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

# ---- the image -----------------------------------------------------------------------------------------------
FROM runtime AS image
COPY --link --from=environment /out/ /app/
COPY --link --from=application /out/ /app/
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
ENV DEVICE="GPU"
ENV LD_LIBRARY_PATH="/app/env/lib/python3.11/site-packages/openvino/libs"
ENV OPENVINO_LOG_LEVEL="0"
ENV PORT="8000"
LABEL io.bakehouse.accelerator="xpu"
LABEL io.bakehouse.cell="openvino-xpu2025.3-amd64"
LABEL io.bakehouse.flag-set="default"
LABEL io.bakehouse.recipe="openvino"
LABEL io.bakehouse.requirements="sha256:2a64cfe9eaa0fb9389d131a5b7e882c5f5d836fa7c6d9deaff53503828ef379f"
LABEL io.bakehouse.toolkit="xpu 2025.3.3"
LABEL org.opencontainers.image.base.name="debian-bookworm"
LABEL org.opencontainers.image.description="Chat and completions by OpenVINO GenAI behind OpenAI's API, on processors and on Intel's cards"
LABEL org.opencontainers.image.title="openvino-xpu2025.3-amd64"
LABEL org.opencontainers.image.version="1.0.0"
WORKDIR /app
USER 65532:65532
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=120s --retries=3 \
    CMD ["/app/env/bin/python", "/app/healthcheck.py"]
ENTRYPOINT ["/app/env/bin/python", "-m", "chat_openvino"]
