FROM ubuntu:24.04 AS build
RUN apt-get update && apt-get install -y git g++ make cmake
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
RUN cmake -S /src -B /src/build -DGGML_NATIVE=OFF -DBUILD_SHARED_LIBS=OFF -DGGML_BLAS=ON -DGGML_BLAS_VENDOR=OpenBLAS && cmake --build /src/build -j4
FROM ubuntu:24.04
RUN apt-get update && apt-get install -y libgomp1 libopenblas0
COPY --from=build /src/build/bin/llama-server /usr/local/bin/
USER 10001:10001
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["llama-server"]

# finds
# error 4 needs a BLAS library with its headers, which its stage lacks | install libopenblas-dev
# error 4 needs pkg-config, which its stage lacks | install pkg-config
