# llama-server-vulkan-arm64: llama.cpp's HTTP server and llama-bench, with every backend as a plugin
# Rendered from dockerfiles/llama-server.Dockerfile.j2: change that, not this.
# Contexts: debian-trixie (bases), llama-cpp (source tree), recipe (recipes/llama-server)

# ---- debian-trixie-arm64, unless a context brings it: Debian for another platform, made without running any program of it. ----
FROM --platform=$BUILDPLATFORM debian-trixie AS debian-trixie-arm64-files
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
# whoever needs it installs it. The result is made to be like debian-trixie: the same sources and settings, no more documents.
RUN --mount=type=secret,id=network \
    --mount=type=secret,id=ca-bundle \
    if [ -f /run/secrets/network ]; then . /run/secrets/network; fi \
 && sed 's/^\(path-[a-z]*\) /\1=/' /etc/dpkg/dpkg.cfg.d/* > /tmp/settings \
 && mmdebstrap --quiet --mode=chrootless --architectures=arm64 --variant=minbase --format=directory \
      --skip=check/empty,check/chrootless --dpkgopt=/tmp/settings \
      trixie /rootfs /etc/apt/sources.list.d/debian.sources \
 && rm -rf /rootfs/dev/* /rootfs/etc/resolv.conf /rootfs/etc/hostname /rootfs/etc/apt/sources.list.d/* \
      /rootfs/etc/apt/apt.conf.d/99mmdebstrap /rootfs/etc/dpkg/dpkg.cfg.d/99mmdebstrap \
      /rootfs/var/log/* /rootfs/var/cache/ldconfig/* /rootfs/var/cache/debconf/*-old /rootfs/var/lib/dpkg/*-old \
 && for file in /etc/apt/sources.list.d/* /etc/apt/apt.conf.d/* /etc/dpkg/dpkg.cfg.d/*; do cp -a -n "$file" "/rootfs$file"; done \
 && find /rootfs -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
FROM scratch AS debian-trixie-arm64
COPY --from=debian-trixie-arm64-files /rootfs/ /

# ---- toolchain: the same for every cell of this base ---------------------------------------------------------
FROM --platform=$BUILDPLATFORM debian-trixie AS toolchain
RUN --mount=type=secret,id=network \
    --mount=type=secret,id=ca-bundle \
    --mount=type=cache,id=bakehouse-apt-lists,target=/var/lib/apt/lists,sharing=locked \
    --mount=type=cache,id=bakehouse-apt-archives,target=/var/cache/apt,sharing=locked \
    if [ -f /run/secrets/network ]; then . /run/secrets/network; fi \
 && rm -f /etc/apt/apt.conf.d/docker-clean \
 && dpkg --add-architecture arm64 \
 && apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      -o APT::Keep-Downloaded-Packages=true -o Dpkg::Use-Pty=0 \
      g++ cmake make ninja-build ccache pkg-config libssl-dev:arm64 g++-aarch64-linux-gnu
ENV CCACHE_DIR=/ccache CCACHE_NOHASHDIR=1 PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig

# ---- host part: server and libraries without any backend, shared by every cell -------------------------------
FROM toolchain AS host
ARG SOURCE_DATE_EPOCH
RUN --mount=type=bind,from=llama-cpp,target=/src \
    --mount=type=cache,id=bakehouse-ccache,target=/ccache \
    cmake -S /src -B /build -G Ninja \
      -DBUILD_SHARED_LIBS=ON \
      -DCMAKE_BUILD_TYPE=Release \
      -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON \
      -DCMAKE_INSTALL_RPATH='$ORIGIN' \
      -DGGML_BACKEND_DL=ON \
      -DGGML_CCACHE=ON \
      -DGGML_NATIVE=OFF \
      -DLLAMA_BUILD_APP=OFF \
      -DLLAMA_BUILD_EXAMPLES=OFF \
      -DLLAMA_BUILD_TESTS=OFF \
      -DGGML_CPU=OFF \
      -DLLAMA_BUILD_UI=OFF \
      -DLLAMA_OPENSSL=ON \
      -DLLAMA_USE_PREBUILT_UI=OFF \
      -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc \
      -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
      -DCMAKE_SYSTEM_NAME=Linux \
      -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
      -DLLAMA_BUILD_NUMBER=11312 \
      -DLLAMA_BUILD_COMMIT=0c1e57098 \
      2> /tmp/configure.log || { cat /tmp/configure.log >&2; exit 1; }; \
    cat /tmp/configure.log >&2; \
    if grep -q "not used by the project" /tmp/configure.log; then \
      echo "bakehouse: the source does not know these options (see above); mend the recipe or the flag set" >&2; exit 1; \
    fi \
 && cmake --build /build --target llama-server llama-bench \
 && install -D -t /out /build/bin/llama-server /build/bin/llama-bench \
 && cp -P /build/bin/lib*.so* /out/ \
 && find /out -type f -exec aarch64-linux-gnu-strip --strip-unneeded {} + \
 && find /out -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

# ---- web page: made beside the host part, and the same for every cell ----------------------------------------
FROM --platform=$BUILDPLATFORM debian-trixie AS web-page
RUN --mount=type=secret,id=network \
    --mount=type=secret,id=ca-bundle \
    --mount=type=cache,id=bakehouse-apt-lists,target=/var/lib/apt/lists,sharing=locked \
    --mount=type=cache,id=bakehouse-apt-archives,target=/var/cache/apt,sharing=locked \
    if [ -f /run/secrets/network ]; then . /run/secrets/network; fi \
 && rm -f /etc/apt/apt.conf.d/docker-clean \
 && apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      -o APT::Keep-Downloaded-Packages=true -o Dpkg::Use-Pty=0 \
      nodejs npm
RUN --mount=type=bind,from=llama-cpp,source=tools/ui,target=/src \
    --mount=type=secret,id=network \
    --mount=type=secret,id=ca-bundle \
    --mount=type=cache,id=bakehouse-npm,target=/npm \
    if [ -f /run/secrets/network ]; then . /run/secrets/network; fi \
 && cp -r --no-preserve=mode /src /page \
 && cd /page \
 && { npm ci --cache /npm --prefer-offline --ignore-scripts --no-audit --no-fund --no-update-notifier \
      || { echo "bakehouse: npm could not install what the web page is built from (see above); web_ui: false in the recipe leaves the page out" >&2; exit 1; }; } \
 && mv svelte.config.js upstream.config.js \
 && printf '%s\n' 'import config from "./upstream.config.js";' 'config.kit.version = { name: "b11312" };' 'export default config;' > svelte.config.js \
 && LLAMA_UI_OUT_DIR=/out LLAMA_BUILD_NUMBER=b11312 npm run build \
 && rm -rf /page

# ---- the host part with the page inside its server: two objects and one library more --------------------------
FROM host AS host-with-page
ARG SOURCE_DATE_EPOCH
RUN --mount=type=bind,from=llama-cpp,target=/src \
    --mount=type=bind,from=web-page,source=/out,target=/build/tools/ui/dist \
    --mount=type=cache,id=bakehouse-ccache,target=/ccache \
    cmake -S /src -B /build -DLLAMA_BUILD_UI=ON \
 && cmake --build /build --target llama-server \
 && grep -q "define LLAMA_UI_HAS_ASSETS 1" /build/tools/ui/ui.h \
 && cp -P /build/bin/libllama-server-impl.so* /out/ \
 && find /out -type f -exec aarch64-linux-gnu-strip --strip-unneeded {} + \
 && find /out -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

# ---- CPU backends: one plugin for each instruction set, the best is chosen at start-up -----------------------
FROM toolchain AS cpu-plugins
ARG SOURCE_DATE_EPOCH
RUN --mount=type=bind,from=llama-cpp,target=/src \
    --mount=type=cache,id=bakehouse-ccache,target=/ccache \
    cmake -S /src -B /build -G Ninja \
      -DBUILD_SHARED_LIBS=ON \
      -DCMAKE_BUILD_TYPE=Release \
      -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON \
      -DCMAKE_INSTALL_RPATH='$ORIGIN' \
      -DGGML_BACKEND_DL=ON \
      -DGGML_CCACHE=ON \
      -DGGML_NATIVE=OFF \
      -DLLAMA_BUILD_APP=OFF \
      -DLLAMA_BUILD_EXAMPLES=OFF \
      -DLLAMA_BUILD_TESTS=OFF \
      -DLLAMA_BUILD_COMMON=OFF \
      -DLLAMA_BUILD_TOOLS=OFF \
      -DGGML_CPU_ALL_VARIANTS=ON \
      -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc \
      -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
      -DCMAKE_SYSTEM_NAME=Linux \
      -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
      -DLLAMA_BUILD_NUMBER=11312 \
      -DLLAMA_BUILD_COMMIT=0c1e57098 \
      2> /tmp/configure.log || { cat /tmp/configure.log >&2; exit 1; }; \
    cat /tmp/configure.log >&2; \
    if grep -q "not used by the project" /tmp/configure.log; then \
      echo "bakehouse: the source does not know these options (see above); mend the recipe or the flag set" >&2; exit 1; \
    fi \
 && cmake --build /build --target ggml-cpu-armv8.0_1 ggml-cpu-armv8.2_2 ggml-cpu-armv8.6_1 ggml-cpu-armv8.6_2 \
 && mkdir /out && cp -P /build/bin/libggml-cpu-armv8.0_1.so* /build/bin/libggml-cpu-armv8.2_2.so* /build/bin/libggml-cpu-armv8.6_1.so* /build/bin/libggml-cpu-armv8.6_2.so* /out/ \
 && find /out -type f -exec aarch64-linux-gnu-strip --strip-unneeded {} + \
 && find /out -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

# ---- health check: asks the port that the server really listens on, needs no shell ---------------------------
FROM toolchain AS healthcheck
ARG SOURCE_DATE_EPOCH
RUN --mount=type=bind,from=recipe,source=healthcheck.c,target=/healthcheck.c \
    mkdir /out && aarch64-linux-gnu-gcc -std=c11 -Os -Wall -Wextra -Werror -o /out/healthcheck /healthcheck.c \
 && find /out -type f -exec aarch64-linux-gnu-strip --strip-unneeded {} + \
 && find /out -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

# ---- runtime libraries ---------------------------------------------------------------------------------------
FROM --platform=$BUILDPLATFORM debian-trixie AS runtime-packages
ARG SOURCE_DATE_EPOCH
RUN --mount=type=bind,from=debian-trixie-arm64,target=/rootfs,rw \
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
 && apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 ca-certificates \
 && apt-get install -y -qq --no-install-recommends \
      -o APT::Keep-Downloaded-Packages=true -o Dpkg::Use-Pty=0 \
      -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
      -o Dir::State::status=/rootfs/var/lib/dpkg/status \
      -o Dir::State::extended_states=/rootfs/var/lib/apt/extended_states \
      -o DPkg::Options::=--root=/rootfs -o DPkg::Options::=--force-script-chrootless \
      libgomp1 libssl3t64 ca-certificates libvulkan1 mesa-vulkan-drivers libglvnd0 libegl1 libglx0 libxext6 \
 && cp -a /etc/ca-certificates.conf /etc/ssl /rootfs/etc/ \
 && find /rootfs -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && rm -rf /rootfs/var/log/* /rootfs/var/cache/ldconfig/* /rootfs/var/cache/debconf/*-old /rootfs/var/lib/dpkg/*-old \
 && mkdir /out && cd /rootfs \
 && find . -xdev ! -type d -cnewer /start -print0 | xargs -0 cp -a --parents -t /out \
 && find /out -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

FROM debian-trixie-arm64 AS runtime
COPY --link --from=runtime-packages /out/ /

# ---- the backend of vulkan: the only thing that differs from cell to cell ---------------------------------------------
FROM --platform=$BUILDPLATFORM debian-trixie AS backend-toolchain
RUN --mount=type=secret,id=network \
    --mount=type=secret,id=ca-bundle \
    --mount=type=cache,id=bakehouse-apt-lists,target=/var/lib/apt/lists,sharing=locked \
    --mount=type=cache,id=bakehouse-apt-archives,target=/var/cache/apt,sharing=locked \
    if [ -f /run/secrets/network ]; then . /run/secrets/network; fi \
 && rm -f /etc/apt/apt.conf.d/docker-clean \
 && dpkg --add-architecture arm64 \
 && apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      -o APT::Keep-Downloaded-Packages=true -o Dpkg::Use-Pty=0 \
      g++ cmake make ninja-build ccache pkg-config patchelf glslc libvulkan-dev:arm64 spirv-headers g++-aarch64-linux-gnu
ENV CCACHE_DIR=/ccache CCACHE_NOHASHDIR=1 PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig

FROM backend-toolchain AS backend
ARG SOURCE_DATE_EPOCH
RUN --mount=type=bind,from=llama-cpp,target=/src \
    --mount=type=cache,id=bakehouse-ccache,target=/ccache \
    cmake -S /src -B /build -G Ninja \
      -DBUILD_SHARED_LIBS=ON \
      -DCMAKE_BUILD_TYPE=Release \
      -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON \
      -DCMAKE_INSTALL_RPATH='$ORIGIN' \
      -DGGML_BACKEND_DL=ON \
      -DGGML_CCACHE=ON \
      -DGGML_NATIVE=OFF \
      -DLLAMA_BUILD_APP=OFF \
      -DLLAMA_BUILD_EXAMPLES=OFF \
      -DLLAMA_BUILD_TESTS=OFF \
      -DLLAMA_BUILD_COMMON=OFF \
      -DLLAMA_BUILD_TOOLS=OFF \
      -DGGML_CPU=OFF \
      -DGGML_VULKAN=ON \
      -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc \
      -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
      -DCMAKE_SYSTEM_NAME=Linux \
      -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
      -DLLAMA_BUILD_NUMBER=11312 \
      -DLLAMA_BUILD_COMMIT=0c1e57098 \
      2> /tmp/configure.log || { cat /tmp/configure.log >&2; exit 1; }; \
    cat /tmp/configure.log >&2; \
    if grep -q "not used by the project" /tmp/configure.log; then \
      echo "bakehouse: the source does not know these options (see above); mend the recipe or the flag set" >&2; exit 1; \
    fi \
 && cmake --build /build --target ggml-vulkan \
 && mkdir /out && cp -P /build/bin/libggml-vulkan.so* /out/ \
 && find /out -type f -exec aarch64-linux-gnu-strip --strip-unneeded {} + \
 && find /out -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

# ---- libraries that the backend needs and the runtime stage does not have ------------------------------------
FROM backend-toolchain AS backend-libraries
ARG SOURCE_DATE_EPOCH
COPY --from=backend /out/ /plugins/
RUN --mount=type=bind,from=runtime,target=/runtime \
    mkdir /out \
 && while \
      copied=; \
      for name in $(find /plugins /out -name '*.so*' -type f -exec aarch64-linux-gnu-readelf -d {} + | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u); do \
        if [ -n "$(find /out /plugins /runtime/lib/ /runtime/usr/lib/ -name "$name" | head -n 1)" ]; then continue; fi; \
        path="$(find /usr/lib/aarch64-linux-gnu /usr/aarch64-linux-gnu/lib -name "$name" ! -path '*/stubs/*' | head -n 1)"; \
        if [ -n "$path" ]; then cp -L "$path" "/out/$name" && copied=yes; fi; \
      done; \
      [ -n "$copied" ]; \
    do :; done \
 && find /out -name '*.so*' -type f -exec patchelf --set-rpath '$ORIGIN' {} \; \
 && find /out -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

# ---- the image -----------------------------------------------------------------------------------------------
FROM runtime AS image
COPY --link --from=host-with-page /out/ /app/
COPY --link --from=cpu-plugins /out/ /app/
COPY --link --from=backend-libraries /out/ /app/
COPY --link --from=backend /out/ /app/
COPY --link --from=healthcheck /out/ /app/
ENV HOME="/tmp"
ENV LLAMA_ARG_HOST="0.0.0.0"
ENV LLAMA_ARG_PORT="8080"
ENV NVIDIA_DRIVER_CAPABILITIES="compute,utility,graphics"
LABEL io.bakehouse.accelerator="vulkan"
LABEL io.bakehouse.cell="llama-server-vulkan-arm64"
LABEL io.bakehouse.flag-set="default"
LABEL io.bakehouse.recipe="llama-server"
LABEL org.opencontainers.image.base.name="debian-trixie"
LABEL org.opencontainers.image.description="llama.cpp's HTTP server and llama-bench, with every backend as a plugin"
LABEL org.opencontainers.image.revision="0c1e57098bba43ac29e6e3b677cdceebdd22334f"
LABEL org.opencontainers.image.title="llama-server-vulkan-arm64"
LABEL org.opencontainers.image.version="b11312"
WORKDIR /app
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 \
    CMD ["/app/healthcheck"]
ENTRYPOINT ["/app/llama-server"]
