FROM debian:trixie AS build
RUN apt-get update && apt-get install -y git g++ cmake libssl-dev && rm -rf /var/lib/apt/lists/*
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
WORKDIR /src
RUN cmake -B build -DGGML_NATIVE=OFF -DBUILD_SHARED_LIBS=OFF && cmake --build build -j4
FROM scratch
COPY --from=build /src/build/bin/llama-server /

# finds nothing
