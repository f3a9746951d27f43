"""Predict house prices with a small network configured by one dict."""

import numpy as np
import torch
from sklearn.datasets import fetch_california_housing
from sklearn.model_selection import train_test_split
from torch import nn

CONFIG = {
    "name": "housing-v2",
    "version": 3,
    "seed": 7,
    "input_dim": 8,
    "output_dim": 1,
    "hidden_dim": 128,
    "num_layers": 3,
    "activation": "relu",
    "dropout": 0.0,
    "batch_norm": True,
    "lr": 1e-3,
    "l2": 1e-5,
    "batch_size": 256,
    "optimizer": "adam",
    "epochs": 50,
    "test_size": 0.2,
    "device": "cpu",
    "checkpoint": "best.pt",
    "print_every": 10,
}

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "elu": nn.ELU}


def build(config):
    layers, width = [], config["input_dim"]
    for _ in range(config["num_layers"]):
        layers.append(nn.Linear(width, config["hidden_dim"]))
        if config["batch_norm"]:
            layers.append(nn.BatchNorm1d(config["hidden_dim"]))
        layers += [ACTIVATIONS[config["activation"]](), nn.Dropout(config["dropout"])]
        width = config["hidden_dim"]
    return nn.Sequential(*layers, nn.Linear(width, config["output_dim"]))


def make_optimizer(model, config):
    if config["optimizer"] == "adam":
        return torch.optim.Adam(model.parameters(), lr=config["lr"], weight_decay=config["l2"])
    if config["optimizer"] == "sgd":
        return torch.optim.SGD(model.parameters(), lr=config["lr"], weight_decay=config["l2"])
    raise ValueError(config["optimizer"])


def main(config):
    np.random.seed(config["seed"])
    torch.manual_seed(config["seed"])
    x, y = fetch_california_housing(return_X_y=True)
    x = (x - x.mean(0)) / x.std(0)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=config["test_size"])
    x_train, y_train = torch.tensor(x_train).float(), torch.tensor(y_train).float()
    model = build(config)
    optimizer = make_optimizer(model, config)
    for epoch in range(config["epochs"]):
        order = torch.randperm(len(x_train))
        for rows in order.split(config["batch_size"]):
            loss = ((model(x_train[rows])[:, 0] - y_train[rows]) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % config["print_every"] == 0:
            print(f"epoch {epoch}: {loss.item():.4f}")
    model.eval()
    with torch.no_grad():
        guess = model(torch.tensor(x_test).float())[:, 0].numpy()
    print("mse", float(((guess - y_test) ** 2).mean()))
    torch.save(model.state_dict(), config["checkpoint"])


if __name__ == "__main__":
    main(CONFIG)
