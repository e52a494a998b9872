# vllm-gb10-cuda13.0-arm64: vLLM with OpenAI's API for DGX Spark and other machines with a GB10, installed from its wheels
# Rendered from dockerfiles/python-server.Dockerfile.j2: change that, not this.
# Contexts: debian-bookworm (base), recipe (recipes/vllm-gb10), shared-vllm

# ---- debian-bookworm-arm64, unless a context brings it: Debian for another platform, made without running any program of it. ----
FROM --platform=$BUILDPLATFORM debian-bookworm AS debian-bookworm-arm64-files
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
      mmdebstrap
# Maintainer scripts run here and work on another root. Those of minbase know how to; that of ca-certificates does not, and
# whoever needs it installs it. The result is made to be like debian-bookworm: the same sources and settings, no more documents.
RUN --mount=type=secret,id=network \
    --mount=type=secret,id=ca-bundle \
    if [ -f /run/secrets/network ]; then . /run/secrets/network; fi \
 && sed 's/^\(path-[a-z]*\) /\1=/' /etc/dpkg/dpkg.cfg.d/* > /tmp/settings \
 && mmdebstrap --quiet --mode=chrootless --architectures=arm64 --variant=minbase --format=directory \
      --skip=check/empty,check/chrootless --dpkgopt=/tmp/settings \
      bookworm /rootfs /etc/apt/sources.list.d/debian.sources \
 && rm -rf /rootfs/dev/* /rootfs/etc/resolv.conf /rootfs/etc/hostname /rootfs/etc/apt/sources.list.d/* \
      /rootfs/etc/apt/apt.conf.d/99mmdebstrap /rootfs/etc/dpkg/dpkg.cfg.d/99mmdebstrap \
      /rootfs/var/log/* /rootfs/var/cache/ldconfig/* /rootfs/var/cache/debconf/*-old /rootfs/var/lib/dpkg/*-old \
 && for file in /etc/apt/sources.list.d/* /etc/apt/apt.conf.d/* /etc/dpkg/dpkg.cfg.d/*; do cp -a -n "$file" "/rootfs$file"; done \
 && find /rootfs -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
FROM scratch AS debian-bookworm-arm64
COPY --from=debian-bookworm-arm64-files /rootfs/ /

# ---- installer: the same for every recipe of wheels on this base ----------------------------------------------
FROM --platform=$BUILDPLATFORM debian-bookworm AS installer
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
    --mount=type=bind,from=recipe,source=requirements.cuda-arm64.txt,target=/requirements.txt \
    if [ -f /run/secrets/network ]; then . /run/secrets/network; fi \
 && python3.11 -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
      --require-hashes --no-deps --only-binary :all: --no-compile \
--platform manylinux_2_41_aarch64 --platform manylinux_2_40_aarch64 --platform manylinux_2_39_aarch64 --platform manylinux_2_38_aarch64 --platform manylinux_2_37_aarch64 --platform manylinux_2_36_aarch64 --platform manylinux_2_35_aarch64 --platform manylinux_2_34_aarch64 --platform manylinux_2_33_aarch64 --platform manylinux_2_32_aarch64 --platform manylinux_2_31_aarch64 --platform manylinux_2_30_aarch64 --platform manylinux_2_29_aarch64 --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux_2_26_aarch64 --platform manylinux_2_25_aarch64 --platform manylinux_2_24_aarch64 --platform manylinux_2_23_aarch64 --platform manylinux_2_22_aarch64 --platform manylinux_2_21_aarch64 --platform manylinux_2_20_aarch64 --platform manylinux_2_19_aarch64 --platform manylinux_2_18_aarch64 --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 \
      --target /out/env/lib/python3.11/site-packages --requirement /requirements.txt \
 && mkdir -p /out/env/bin && cd /out/env \
 && if [ -d /out/env/lib/python3.11/site-packages/bin ]; then mv /out/env/lib/python3.11/site-packages/bin/* bin/ && rmdir /out/env/lib/python3.11/site-packages/bin && sed -i '1s|^#!.*python.*|#!/app/env/bin/python|' bin/*; fi \
 && ln -s /usr/bin/python3.11 bin/python \
 && printf 'home = /usr/bin\ninclude-system-site-packages = false\nversion = %s\n' 3.11 > pyvenv.cfg \
 && echo /app > /out/env/lib/python3.11/site-packages/app.pth \
 && find /out/env/lib/python3.11/site-packages \( -type d \( -name __pycache__ -o -name tests \) -o -type f \( -name '*.a' -o -name '*.h' -o -name '*.hpp' -o -name '*.pyx' -o -name '*.pxd' \) \) -prune -exec rm -r {} + \
 && (cd /out/env/lib/python3.11/site-packages && rm -r torch/include numba/np/ufunc/tbbpool.*) \

 && cd /out/env/lib/python3.11/site-packages \
 && if [ -d nvidia ]; then mkdir /spare && mv nvidia /spare/; fi \
 && for path in $(cd /spare && ls -d nvidia/cudnn/lib/*.so.*); do mkdir -p "$(dirname "$path")" && cp -a "/spare/$path" "$path"; done \
 && for path in $(cd /spare && ls -d nvidia/cu13/lib/libnvrtc*.so.*); do mkdir -p "$(dirname "$path")" && cp -a "/spare/$path" "$path"; done \
 && for path in $(cd /spare && ls -d nvidia/cu13/lib/libcufft.so.*); do mkdir -p "$(dirname "$path")" && cp -a "/spare/$path" "$path"; done \
 && for path in $(cd /spare && ls -d nvidia/cu13/lib/libnvJitLink.so.*); do mkdir -p "$(dirname "$path")" && cp -a "/spare/$path" "$path"; done \
 && for path in $(cd /spare && ls -d nvidia/nccl/lib/*.so.*); do mkdir -p "$(dirname "$path")" && cp -a "/spare/$path" "$path"; done \
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
      'port = "8000"' \
      'words = open("/proc/1/cmdline", encoding="utf-8", errors="replace").read().split("\0")' \
      'for word, following in zip(words, words[1:]):' \
      '    if word == "--port":' \
      '        port = following' \
      'connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=2)' \
      'try:' \
      '    connection.request("GET", "/health")' \
      '    status = connection.getresponse().status' \
      'except (OSError, http.client.HTTPException) as error:' \
      '    sys.exit(f"no answer: {error}")' \
      'print(status)' \
      'sys.exit(status != 200)' \
      > /out/healthcheck.py \
 && chmod -R u=rwX,go=rX /out \
 && find /out -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
RUN --mount=type=bind,from=recipe,target=/recipe \
    --mount=type=bind,from=shared-vllm,target=/shared-vllm \
    for folder in /recipe/app /shared-vllm; do if [ -d "$folder" ]; then cp -r "$folder/." /out/; fi; done \
 && find /out \( -name __pycache__ -o -name tests \) -type d -prune -exec rm -r {} + \
 && chmod -R u=rwX,go=rX /out \
 && find /out -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

# ---- Python and the libraries that wheels expect of a system ---------------------------------------------------
# Python's maintainer scripts ask Python for byte code, which the image does without: no program of its platform is run.
FROM --platform=$BUILDPLATFORM debian-bookworm AS runtime-packages
ARG SOURCE_DATE_EPOCH
RUN for name in python3.11 python3 py3compile py3clean; do ln -s /bin/true "/usr/bin/$name"; done
RUN --mount=type=bind,from=debian-bookworm-arm64,target=/rootfs,rw \
    --mount=type=secret,id=network \
    --mount=type=secret,id=ca-bundle \
    --mount=type=cache,id=bakehouse-apt-lists,target=/var/lib/apt/lists,sharing=locked \
    --mount=type=cache,id=bakehouse-apt-archives,target=/var/cache/apt,sharing=locked \
    if [ -f /run/secrets/network ]; then . /run/secrets/network; fi \
 && rm -f /etc/apt/apt.conf.d/docker-clean \
 && dpkg --add-architecture arm64 \
 && apt-get update -qq \
 && touch /start \
 && export DEBIAN_FRONTEND=noninteractive \
 && apt-get install -y -qq --no-install-recommends \
      -o APT::Keep-Downloaded-Packages=true -o Dpkg::Use-Pty=0 \
      -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
      -o Dir::State::status=/rootfs/var/lib/dpkg/status \
      -o Dir::State::extended_states=/rootfs/var/lib/apt/extended_states \
      -o DPkg::Options::=--root=/rootfs -o DPkg::Options::=--force-script-chrootless \
      python3 libgomp1 libnuma1 \
 && find /rootfs -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && rm -rf /rootfs/var/log/* /rootfs/var/cache/ldconfig/* /rootfs/var/cache/debconf/*-old /rootfs/var/lib/dpkg/*-old \
 && mkdir /out && cd /rootfs \
 && find . -xdev ! -type d -cnewer /start -print0 | xargs -0 cp -a --parents -t /out \
 && find /out -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

FROM debian-bookworm-arm64 AS runtime
COPY --link --from=runtime-packages /out/ /

# ---- the image -----------------------------------------------------------------------------------------------
FROM runtime AS image
COPY --link --from=environment /out/ /app/
COPY --link --from=application /out/ /app/
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
ENV HF_HUB_OFFLINE="1"
ENV HOME="/tmp"
ENV LD_LIBRARY_PATH="/app/env/lib/python3.11/site-packages/torch/lib:/app/env/lib/python3.11/site-packages/tvm_ffi/lib:/app/env/lib/python3.11/site-packages/nvidia/cu13/lib:/app/env/lib/python3.11/site-packages/nvidia/cudnn/lib"
ENV NVIDIA_DRIVER_CAPABILITIES="compute,utility"
ENV NVIDIA_VISIBLE_DEVICES="all"
ENV PYTHONDONTWRITEBYTECODE=""
ENV PYTHONPYCACHEPREFIX="/tmp/pycache"
ENV VLLM_NO_USAGE_STATS="1"
LABEL io.bakehouse.accelerator="cuda"
LABEL io.bakehouse.archs="sm_80,sm_90,sm_100,sm_103,sm_110,sm_120,sm_121"
LABEL io.bakehouse.cell="vllm-gb10-cuda13.0-arm64"
LABEL io.bakehouse.driver-floor="580.95.05"
LABEL io.bakehouse.driver-floor-minor="580"
LABEL io.bakehouse.flag-set="default"
LABEL io.bakehouse.recipe="vllm-gb10"
LABEL io.bakehouse.requirements="sha256:921883f7bdfa1ffe419ac72f9bc2400ffd0ee4e25c57a62b0d3aead92008c2da"
LABEL io.bakehouse.toolkit="cuda 13.0.2"
LABEL org.opencontainers.image.base.name="debian-bookworm"
LABEL org.opencontainers.image.description="vLLM with OpenAI's API for DGX Spark and other machines with a GB10, installed from its wheels"
LABEL org.opencontainers.image.title="vllm-gb10-cuda13.0-arm64"
LABEL org.opencontainers.image.version="0.33.0"
WORKDIR /app
USER 65532:65532
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=600s --retries=3 \
    CMD ["/app/env/bin/python", "/app/healthcheck.py"]
ENTRYPOINT ["/app/env/bin/python", "-m", "vllm_server"]
