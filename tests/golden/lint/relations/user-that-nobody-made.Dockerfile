FROM ubuntu:24.04 AS build
RUN apt-get update && apt-get install -y git g++ make cmake
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
RUN cmake -S /src -B /src/build -DGGML_NATIVE=OFF -DBUILD_SHARED_LIBS=OFF && cmake --build /src/build -j4
FROM ubuntu:24.04
RUN apt-get update && apt-get install -y libgomp1
COPY --from=build /src/llama-server /usr/local/bin/
USER llama
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["llama-server"]

# finds
# error 7 is not where the build puts it | /src/build/bin/llama-server
# error 8 is no user of the image [llama] | useradd
