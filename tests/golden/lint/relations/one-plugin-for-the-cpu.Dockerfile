FROM ubuntu:24.04
RUN apt-get update && apt-get install -y git g++ make cmake
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
RUN cmake -S /src -B /src/build -DGGML_NATIVE=OFF -DGGML_BACKEND_DL=ON && cmake --build /src/build -j4
USER 10001:10001
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/src/build/bin/llama-server"]

# finds
# warning 4 makes one plugin for the CPU, with AVX2 [-DGGML_BACKEND_DL=ON] | GGML_CPU_ALL_VARIANTS=ON
