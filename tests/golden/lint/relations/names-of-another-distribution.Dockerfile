FROM alpine:3.21 AS build
RUN apk add --no-cache git cmake g++ make linux-headers
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
RUN cmake -S /src -B /src/build -DGGML_NATIVE=OFF -DBUILD_SHARED_LIBS=OFF -DLLAMA_OPENSSL=OFF && cmake --build /src/build -j4
FROM alpine:3.21
RUN apk add --no-cache libgomp1 libstdc++
COPY --from=build /src/build/bin/llama-server /usr/local/bin/
USER 10001:10001
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["llama-server"]

# finds
# error 6 is no package of alpine 3.21 [libgomp1] | libgomp
