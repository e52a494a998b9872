FROM ubuntu:24.04
RUN apt-get update && apt-get install -y python3 python3-pip
RUN pip3 install vllm==0.9.1
CMD ["python3", "-m", "vllm.entrypoints.openai.api_server", "--model", "Qwen/Qwen3-8B"]
# finds
# 3 error pip3 may not install into the Python of ubuntu 24.04 | python3 -m venv /opt/venv, and its pip; or pip install --break-system-packages
