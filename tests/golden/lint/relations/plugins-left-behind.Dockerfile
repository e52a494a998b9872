FROM nvidia/cuda:12.9.1-devel-ubuntu24.04 AS build
RUN apt-get update && apt-get install -y git cmake libssl-dev
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
WORKDIR /src
RUN cmake -B build -DGGML_NATIVE=OFF -DGGML_BACKEND_DL=ON -DGGML_CPU_ALL_VARIANTS=ON -DGGML_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES=86-real -DGGML_CUDA_NCCL=OFF -DCMAKE_INSTALL_RPATH='$ORIGIN' -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON && cmake --build build -j4
FROM nvidia/cuda:12.9.1-runtime-ubuntu24.04
RUN apt-get update && apt-get install -y libgomp1 curl
COPY --from=build /src/build/bin/llama-server /src/build/bin/libllama* /src/build/bin/libmtmd* /src/build/bin/libggml.so* /src/build/bin/libggml-base.so* /src/build/bin/libggml-cuda.so* /app/
USER 10001:10001
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD curl -f http://localhost:8080/health
ENTRYPOINT ["/app/llama-server"]

# finds
# error 8 leaves plugins behind: libggml-cpu | libggml-*.so
