FROM debian:trixie AS build
RUN apt-get update && apt-get install -y git g++ cmake libssl-dev && rm -rf /var/lib/apt/lists/*
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
WORKDIR /src
RUN cmake -B build -DGGML_NATIVE=OFF –DGGML_OPENMP=ON -DCMAKE_INSTALL_RPATH='$ORIGIN' -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON && cmake --build build -j4
RUN mkdir /out && cp -a build/bin/. /out/
FROM debian:trixie-slim
RUN apt-get update && apt-get install -y libgomp1 libssl3t64 ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/ /app/
USER 10001
EXPOSE 8080
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/app/llama-server", "—jinja"]

# finds
# error 5 begins with a dash that is no hyphen | -DGGML_OPENMP=ON
# error 14 begins with a dash that is no hyphen | --jinja
