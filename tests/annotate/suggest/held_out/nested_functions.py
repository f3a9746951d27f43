"""Fit a sine with a network; the training lives in closures."""

import math

import torch
from torch import nn


def make_model(hidden=32, depth=2):
    layers = [nn.Linear(1, hidden), nn.Tanh()]
    for _ in range(depth - 1):
        layers += [nn.Linear(hidden, hidden), nn.Tanh()]
    return nn.Sequential(*layers, nn.Linear(hidden, 1))


def experiment(points=200, seed=5):
    torch.manual_seed(seed)
    x = torch.linspace(-math.pi, math.pi, points)[:, None]
    y = torch.sin(3 * x) + 0.1 * torch.randn_like(x)
    model = make_model()

    def make_optimizer():
        learning_rate = 0.02
        decay = 1e-4
        return torch.optim.Adam(model.parameters(), lr=learning_rate, weight_decay=decay)

    def make_schedule(optimizer):
        return torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.99)

    def train(steps=400):
        optimizer = make_optimizer()
        schedule = make_schedule(optimizer)
        batch = 50

        def step():
            rows = torch.randint(points, (batch,))
            loss = ((model(x[rows]) - y[rows]) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss.item()

        smooth = None
        for number in range(steps):
            loss = step()
            smooth = loss if smooth is None else 0.9 * smooth + 0.1 * loss
            if number % 50 == 0:
                schedule.step()
        return smooth

    def evaluate():
        with torch.no_grad():
            return ((model(x) - torch.sin(3 * x)) ** 2).mean().item()

    train()
    return evaluate()


if __name__ == "__main__":
    print(experiment())
