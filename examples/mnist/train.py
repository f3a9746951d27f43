"""Recognise MNIST's handwritten digits with a convolutional network.

    python train.py --data-dir data --epochs 3

MNIST is downloaded into the data folder if it is not there. Without a connection, the 1,797 digits
that scikit-learn ships are used instead.
"""

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset
from torchvision import datasets, transforms


class Net(nn.Module):
    def __init__(self, channels, hidden, dropout):
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 3)
        self.conv2 = nn.Conv2d(channels, 2 * channels, 3)
        self.dropout = nn.Dropout(dropout)
        self.fc1 = nn.Linear(2 * channels * 12 * 12, hidden)
        self.fc2 = nn.Linear(hidden, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        # @nni.function_choice(
        #     F.max_pool2d(x, 2),
        #     F.avg_pool2d(x, 2), name=F.max_pool2d)
        x = F.max_pool2d(x, 2)
        x = self.dropout(torch.flatten(x, 1))
        x = F.relu(self.fc1(x))
        return F.log_softmax(self.fc2(x), dim=1)


def load(data_dir):
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
    )
    try:
        train = datasets.MNIST(data_dir, train=True, download=True, transform=transform)
        test = datasets.MNIST(data_dir, train=False, download=True, transform=transform)
    except (OSError, RuntimeError):
        print("MNIST cannot be downloaded: the digits of scikit-learn are taken instead")
        train, test = load_digits()
    return train, test


def load_digits():
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    small = torch.tensor(images, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16
    x = (F.interpolate(small, size=(28, 28), mode="bilinear") - 0.1307) / 0.3081
    y = torch.tensor(labels)
    first, second = train_test_split(np.arange(len(y)), test_size=0.25, random_state=0)
    return TensorDataset(x[first], y[first]), TensorDataset(x[second], y[second])


def train_one_epoch(model, device, loader, optimizer):
    model.train()
    for data, target in loader:
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()


def accuracy_of(model, device, loader):
    model.eval()
    correct = 0
    with torch.no_grad():
        for data, target in loader:
            data, target = data.to(device), target.to(device)
            correct += (model(data).argmax(dim=1) == target).sum().item()
    return correct / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", default="data")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=64)  # @nni.choice(32, 64, 128, 256)
    parser.add_argument("--lr", type=float, default=0.01)  # @nni.loguniform(1e-3, 1e-1)
    parser.add_argument("--momentum", type=float, default=0.5)  # @nni.uniform(0.0, 0.95)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train, test = load(args.data_dir)
    train_loader = DataLoader(train, batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(test, batch_size=1000)

    model = Net(
        channels=8,  # @nni.choice(8, 16, 32)
        hidden=64,  # @nni.quniform(32, 256, 32)
        dropout=0.25,  # @nni.uniform(0.0, 0.6)
    ).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=args.momentum)

    for epoch in range(args.epochs):
        train_one_epoch(model, device, train_loader, optimizer)
        accuracy = accuracy_of(model, device, test_loader)
        print(f"epoch {epoch + 1}  accuracy {accuracy:.4f}")
        # @nni.report_intermediate_result(accuracy)
    # @nni.report_final_result(accuracy)


if __name__ == "__main__":
    main()
