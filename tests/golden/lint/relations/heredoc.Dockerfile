FROM debian:bookworm AS build
RUN <<EOF
set -e
apt-get update
apt-get install -y git g++ cmake libssl-dev
git clone https://github.com/ggml-org/llama.cpp /src
git -C /src checkout 0c1e57098
cmake -S /src -B /build -DGGML_NATIVE=OFF -DCMAKE_INSTALL_RPATH='\$ORIGIN' -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON
cmake --build /build
EOF
FROM debian:bookworm-slim
COPY --from=build /build/bin/ /app/
USER 10001:10001
EXPOSE 8080
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/app/llama-server"]

# finds
# error 11 lacks libgomp.so.1
# error 11 lacks libssl.so.3
