"""A character-level transformer; everything configurable is a field."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class ModelConfig:
    vocab_size: int = 256
    block_size: int = 128
    n_layer: int = 4
    n_head: int = 4
    n_embd: int = 128
    dropout: float = 0.1
    bias: bool = False
    tie_weights: bool = True


@dataclass
class TrainConfig:
    out_dir: str = "runs/chars"
    text: Path = Path("corpus.txt")
    batch_size: int = 64  # sequences
    learning_rate: float = 3e-4
    min_lr: float = 3e-5
    beta1: float = 0.9
    beta2: float = 0.95
    weight_decay: float = 0.1
    grad_clip: float = 1.0
    warmup_iters: int = 100
    max_iters: int = 5000
    eval_interval: int = 250
    eval_iters: int = 20
    device: str = "cuda"
    compile: bool = False
    seed: int = 1337
    model: ModelConfig = field(default_factory=ModelConfig)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.norm1 = nn.LayerNorm(c.n_embd)
        self.attention = nn.MultiheadAttention(
            c.n_embd, c.n_head, dropout=c.dropout, bias=c.bias, batch_first=True
        )
        self.norm2 = nn.LayerNorm(c.n_embd)
        self.mlp = nn.Sequential(
            nn.Linear(c.n_embd, 4 * c.n_embd), nn.GELU(), nn.Linear(4 * c.n_embd, c.n_embd)
        )

    def forward(self, x, mask):
        h = self.norm1(x)
        x = x + self.attention(h, h, h, attn_mask=mask, need_weights=False)[0]
        return x + self.mlp(self.norm2(x))


class Model(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.token = nn.Embedding(c.vocab_size, c.n_embd)
        self.place = nn.Embedding(c.block_size, c.n_embd)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c.n_layer))
        self.head = nn.Linear(c.n_embd, c.vocab_size, bias=False)
        if c.tie_weights:
            self.head.weight = self.token.weight

    def forward(self, x):
        n = x.shape[1]
        mask = torch.triu(torch.full((n, n), float("-inf"), device=x.device), diagonal=1)
        h = self.token(x) + self.place(torch.arange(n, device=x.device))
        for block in self.blocks:
            h = block(h, mask)
        return self.head(h)


def rate(step, c):
    if step < c.warmup_iters:
        return c.learning_rate * (step + 1) / c.warmup_iters
    left = 1 - (step - c.warmup_iters) / (c.max_iters - c.warmup_iters)
    return c.min_lr + left * (c.learning_rate - c.min_lr)


def main():
    c = TrainConfig()
    torch.manual_seed(c.seed)
    data = torch.tensor(list(c.text.read_bytes()))
    split = int(0.9 * len(data))
    model = Model(c.model).to(c.device)
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=c.learning_rate,
        betas=(c.beta1, c.beta2),
        weight_decay=c.weight_decay,
    )
    for step in range(c.max_iters):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, c)
        at = torch.randint(split - c.model.block_size - 1, (c.batch_size,))
        rows = torch.stack([data[i : i + c.model.block_size + 1] for i in at]).to(c.device)
        logits = model(rows[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), c.grad_clip)
        optimizer.step()
        if step % c.eval_interval == 0:
            print(step, loss.item())


if __name__ == "__main__":
    main()
