FROM intel/deep-learning-essentials:2025.3.3-0-devel-ubuntu24.04 AS build
RUN apt-get update && apt-get install -y git cmake libssl-dev wget && \
    wget -q https://github.com/oneapi-src/level-zero/releases/download/v1.24.2/level-zero-devel_1.24.2+u24.04_amd64.deb -O level-zero-devel.deb && \
    apt-get -o Dpkg::Options::="--force-overwrite" install -y ./level-zero-devel.deb
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
RUN cmake -S /src -B /src/build -DGGML_NATIVE=OFF -DGGML_SYCL=ON -DCMAKE_C_COMPILER=icx -DCMAKE_CXX_COMPILER=icpx -DGGML_BACKEND_DL=ON -DGGML_CPU_ALL_VARIANTS=ON && cmake --build /src/build -j4
USER 10001:10001
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/src/build/bin/llama-server"]
