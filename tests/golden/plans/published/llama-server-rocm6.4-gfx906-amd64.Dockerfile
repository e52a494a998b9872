# llama-server-rocm6.4-gfx906-amd64: llama.cpp's HTTP server and llama-bench, with every backend as a plugin
# Rendered from dockerfiles/llama-server.Dockerfile.j2: change that, not this.
# Contexts: debian-trixie, hip-6.4, debian-forky (bases), llama-cpp (source tree), recipe (recipes/llama-server)

# ---- hip-6.4, unless a context brings it: AMD's toolkit as Debian packages it, with the paths of AMD's own images.
FROM debian-forky AS hip-6.4
RUN --mount=type=secret,id=network \
    --mount=type=secret,id=ca-bundle \
    --mount=type=cache,id=bakehouse-apt-lists,target=/var/lib/apt/lists,sharing=locked \
    --mount=type=cache,id=bakehouse-apt-archives,target=/var/cache/apt,sharing=locked \
    if [ -f /run/secrets/network ]; then . /run/secrets/network; fi \
 && rm -f /etc/apt/apt.conf.d/docker-clean \
 && apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      -o APT::Keep-Downloaded-Packages=true -o Dpkg::Use-Pty=0 \
      hipcc libamdhip64-dev libhipblas-dev librocblas-dev
RUN mkdir -p /opt/rocm/llvm/bin /opt/rocm/lib/rocblas \
 && for tool in clang clang++; do \
      ln -s "$(find /usr/bin -name "$tool-[0-9]*" | sort -V | tail -n 1)" "/opt/rocm/llvm/bin/$tool"; \
    done \
 && ln -s /usr/lib/*/rocblas/*/library /opt/rocm/lib/rocblas/library \
 && ln -s /usr/lib/*/libamd_comgr.so.? /opt/rocm/lib/

# ---- toolchain: the same for every cell of this base ---------------------------------------------------------
FROM debian-trixie AS toolchain
RUN --mount=type=secret,id=network \
    --mount=type=secret,id=ca-bundle \
    --mount=type=cache,id=bakehouse-apt-lists,target=/var/lib/apt/lists,sharing=locked \
    --mount=type=cache,id=bakehouse-apt-archives,target=/var/cache/apt,sharing=locked \
    if [ -f /run/secrets/network ]; then . /run/secrets/network; fi \
 && rm -f /etc/apt/apt.conf.d/docker-clean \
 && apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      -o APT::Keep-Downloaded-Packages=true -o Dpkg::Use-Pty=0 \
      g++ cmake make ninja-build ccache pkg-config libssl-dev
ENV CCACHE_DIR=/ccache CCACHE_NOHASHDIR=1

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
 && find /out -type f -exec strip --strip-unneeded {} + \
 && find /out -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

# ---- web page: made beside the host part, and the same for every cell ----------------------------------------
FROM debian-trixie AS web-page
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
 && find /out -type f -exec strip --strip-unneeded {} + \
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
      -DLLAMA_BUILD_NUMBER=11312 \
      -DLLAMA_BUILD_COMMIT=0c1e57098 \
      2> /tmp/configure.log || { cat /tmp/configure.log >&2; exit 1; }; \
    cat /tmp/configure.log >&2; \
    if grep -q "not used by the project" /tmp/configure.log; then \
      echo "bakehouse: the source does not know these options (see above); mend the recipe or the flag set" >&2; exit 1; \
    fi \
 && cmake --build /build --target ggml-cpu-x64 ggml-cpu-sse42 ggml-cpu-haswell ggml-cpu-alderlake ggml-cpu-skylakex ggml-cpu-cascadelake ggml-cpu-icelake ggml-cpu-zen4 ggml-cpu-sapphirerapids \
 && mkdir /out && cp -P /build/bin/libggml-cpu-x64.so* /build/bin/libggml-cpu-sse42.so* /build/bin/libggml-cpu-haswell.so* /build/bin/libggml-cpu-alderlake.so* /build/bin/libggml-cpu-skylakex.so* /build/bin/libggml-cpu-cascadelake.so* /build/bin/libggml-cpu-icelake.so* /build/bin/libggml-cpu-zen4.so* /build/bin/libggml-cpu-sapphirerapids.so* /out/ \
 && find /out -type f -exec strip --strip-unneeded {} + \
 && find /out -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

# ---- health check: asks the port that the server really listens on, needs no shell ---------------------------
FROM toolchain AS healthcheck
ARG SOURCE_DATE_EPOCH
RUN --mount=type=bind,from=recipe,source=healthcheck.c,target=/healthcheck.c \
    mkdir /out && cc -std=c11 -Os -Wall -Wextra -Werror -o /out/healthcheck /healthcheck.c \
 && find /out -type f -exec strip --strip-unneeded {} + \
 && find /out -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

# ---- runtime libraries ---------------------------------------------------------------------------------------
FROM debian-forky AS runtime
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
      libgomp1 libssl3t64 ca-certificates \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && rm -rf /var/log/* /var/cache/ldconfig/* /var/cache/debconf/*-old /var/lib/dpkg/*-old \
 && find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /etc/hosts -o -path /etc/hostname -o -path /etc/resolv.conf \) -prune -o \
      -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

# ---- the backend of rocm: the only thing that differs from cell to cell ---------------------------------------------
FROM hip-6.4 AS backend-toolchain
RUN --mount=type=secret,id=network \
    --mount=type=secret,id=ca-bundle \
    --mount=type=cache,id=bakehouse-apt-lists,target=/var/lib/apt/lists,sharing=locked \
    --mount=type=cache,id=bakehouse-apt-archives,target=/var/cache/apt,sharing=locked \
    if [ -f /run/secrets/network ]; then . /run/secrets/network; fi \
 && rm -f /etc/apt/apt.conf.d/docker-clean \
 && apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      -o APT::Keep-Downloaded-Packages=true -o Dpkg::Use-Pty=0 \
      g++ cmake make ninja-build ccache pkg-config libssl-dev patchelf
ENV CCACHE_DIR=/ccache CCACHE_NOHASHDIR=1

FROM backend-toolchain AS backend
ARG SOURCE_DATE_EPOCH
RUN --mount=type=bind,from=llama-cpp,target=/src \
    --mount=type=cache,id=bakehouse-ccache,target=/ccache \
    export HIPCXX=/opt/rocm/llvm/bin/clang++; \
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
      -DGGML_HIP=ON \
      -DGPU_TARGETS=gfx906 \
      -DLLAMA_BUILD_NUMBER=11312 \
      -DLLAMA_BUILD_COMMIT=0c1e57098 \
      2> /tmp/configure.log || { cat /tmp/configure.log >&2; exit 1; }; \
    cat /tmp/configure.log >&2; \
    if grep -q "not used by the project" /tmp/configure.log; then \
      echo "bakehouse: the source does not know these options (see above); mend the recipe or the flag set" >&2; exit 1; \
    fi \
 && cmake --build /build --target ggml-hip \
 && mkdir /out && cp -P /build/bin/libggml-hip.so* /out/ \
 && find /out -type f -exec strip --strip-unneeded {} + \
 && find /out -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

# ---- libraries that the backend needs and the runtime stage does not have ------------------------------------
FROM backend-toolchain AS backend-libraries
ARG SOURCE_DATE_EPOCH
COPY --from=backend /out/ /plugins/
RUN --mount=type=bind,from=runtime,target=/runtime \
    mkdir /out \
 && mkdir -p /out/. && cp -L /opt/rocm/lib/libamd_comgr.so.? /out/./ \
 && mkdir -p /out/rocblas/library && cp -L /opt/rocm/lib/rocblas/library/*_fallback.dat /out/rocblas/library/ \
 && mkdir -p /out/rocblas/library && cp -L /opt/rocm/lib/rocblas/library/*gfx906* /out/rocblas/library/ \
 && for file in /opt/rocm/lib/hipblaslt/library/*gfx906*; do if [ -e "$file" ]; then mkdir -p /out/hipblaslt/library && cp -L "$file" /out/hipblaslt/library/; fi; done \
 && for file in /opt/rocm/lib/hipblaslt/library/hipblasltExtOpLibrary.dat; do if [ -e "$file" ]; then mkdir -p /out/hipblaslt/library && cp -L "$file" /out/hipblaslt/library/; fi; done \
 && find /plugins /out -name '*.so*' -type f -exec ldd {} + \
    | awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 }' | sort -u \
    | while read -r name path; do \
        if [ ! -e "/out/$name" ] && [ -z "$(find /runtime/lib/ /runtime/usr/lib/ -name "$name" | head -n 1)" ]; then cp -L "$path" "/out/$name"; fi; \
      done \
 && find /out -name '*.so*' -type f -exec patchelf --set-rpath '$ORIGIN' {} \; \
 && find /out -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

# ---- the image -----------------------------------------------------------------------------------------------
FROM runtime AS image
COPY --link --from=host-with-page /out/ /app/
COPY --link --from=cpu-plugins /out/ /app/
COPY --link --from=backend-libraries /out/ /app/
COPY --link --from=backend /out/ /app/
COPY --link --from=healthcheck /out/ /app/
ENV HIPBLASLT_TENSILE_LIBPATH="/app/hipblaslt/library"
ENV HOME="/tmp"
ENV LLAMA_ARG_HOST="0.0.0.0"
ENV LLAMA_ARG_PORT="8080"
ENV ROCBLAS_TENSILE_LIBPATH="/app/rocblas/library"
LABEL io.bakehouse.accelerator="rocm"
LABEL io.bakehouse.archs="gfx906"
LABEL io.bakehouse.cell="llama-server-rocm6.4-gfx906-amd64"
LABEL io.bakehouse.flag-set="default"
LABEL io.bakehouse.recipe="llama-server"
LABEL io.bakehouse.toolkit="rocm 6.4.3"
LABEL org.opencontainers.image.base.name="debian-forky"
LABEL org.opencontainers.image.description="llama.cpp's HTTP server and llama-bench, with every backend as a plugin"
LABEL org.opencontainers.image.revision="0c1e57098bba43ac29e6e3b677cdceebdd22334f"
LABEL org.opencontainers.image.title="llama-server-rocm6.4-gfx906-amd64"
LABEL org.opencontainers.image.version="b11312"
WORKDIR /app
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 \
    CMD ["/app/healthcheck"]
ENTRYPOINT ["/app/llama-server"]
