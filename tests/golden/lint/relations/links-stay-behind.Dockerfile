FROM ubuntu:24.04 AS build
RUN apt-get update && apt-get install -y git g++ make cmake
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
RUN cmake -S /src -B /src/build -DGGML_NATIVE=OFF && cmake --build /src/build -j4
RUN mkdir /dist && cp /src/build/bin/llama-server /dist/ && find /src/build -type f -name 'lib*.so*' -exec cp {} /dist/ \;
FROM ubuntu:24.04
RUN apt-get update && apt-get install -y libgomp1
COPY --from=build /dist/ /app/
USER 10001:10001
ENV LD_LIBRARY_PATH=/app LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/app/llama-server"]

# finds
# error 5 leaves the links behind under whose names the libraries are asked for | no -type f
