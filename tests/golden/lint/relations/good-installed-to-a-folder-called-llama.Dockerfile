FROM ubuntu:24.04 AS build
RUN apt-get update && apt-get install -y git g++ make cmake
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
RUN cmake -S /src -B /src/build -DGGML_NATIVE=OFF && cmake --build /src/build -j4 && cmake --install /src/build --prefix /opt/llama
FROM ubuntu:24.04
RUN apt-get update && apt-get install -y libgomp1 && useradd --system llama
COPY --from=build /opt/llama /opt/llama
RUN echo /opt/llama/lib > /etc/ld.so.conf.d/llama.conf && ldconfig
USER llama
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/opt/llama/bin/llama-server"]
