# triton#2537
FROM nvcr.io/nvidia/tritonserver:24.08-py3 AS full
FROM nvcr.io/nvidia/tritonserver:24.08-py3-min
COPY --from full /opt/tritonserver/bin /opt/tritonserver/bin
COPY --from full /opt/tritonserver/lib /opt/tritonserver/lib
# finds
# 4 error --from full has no value | --from=full
# 5 error --from full has no value | --from=full
