FROM fedora:42 AS build
RUN dnf install -y git cmake gcc-c++ make openssl-devel && dnf clean all
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
WORKDIR /src
RUN cmake -B build -DGGML_NATIVE=OFF -DCMAKE_INSTALL_RPATH='$ORIGIN' -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON && cmake --build build -j4
RUN mkdir /out && cp -a build/bin/. /out/
FROM registry.fedoraproject.org/fedora:42
RUN dnf install -y libgomp && dnf clean all
COPY --from=build /out/ /app/
USER 10001:10001
EXPOSE 8080
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/app/llama-server"]

# finds nothing
