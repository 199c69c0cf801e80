# The main job in a container, as a user without privileges.
#   docker build -t lit_prune .                                                                     (CPU)
#   docker build -t lit_prune --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 .      (CUDA 13)
#   docker run --rm -v lit_prune_logs:/home/lit_prune/logs -v lit_prune_hub:/home/lit_prune/hub lit_prune
# With CUDA add `--gpus all` to `docker run`; the Trainer uses the GPU without further settings.
FROM python:3.12-slim

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN pip install --no-cache-dir --index-url "$TORCH_INDEX" "torch>=2.9,<2.14"

WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY lit_prune lit_prune
COPY configs configs
RUN pip install --no-cache-dir ".[demo]"

RUN useradd --create-home lit_prune \
    && install --directory --owner lit_prune --group lit_prune /home/lit_prune/logs /home/lit_prune/hub
USER lit_prune
WORKDIR /home/lit_prune
ENV HF_HOME=/home/lit_prune/hub
VOLUME ["/home/lit_prune/logs", "/home/lit_prune/hub"]

ENTRYPOINT ["lit_prune"]
CMD ["fit", "--config", "configs/srnet_poe.yaml"]
