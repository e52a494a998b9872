# faster-whisper
FROM nvidia/cuda:12.2.2-cudnn8-runtime-ubuntu22.04
RUN apt-get update && apt-get install -y python3-pip
RUN pip3 install faster-whisper==1.1.0
CMD ["python3","s.py"]
# finds
# 4 error faster-whisper==1.1.0 asks for cuDNN 9, and the image has 8 | an image with -cudnn- in its tag, of CUDA 12.4 or newer; or ctranslate2==4.4.0
