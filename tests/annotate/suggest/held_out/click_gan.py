"""Draw digits with a generative adversarial network."""

from pathlib import Path

import click
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
from torchvision.utils import save_image


def generator(noise, width):
    return nn.Sequential(
        nn.Linear(noise, width),
        nn.LeakyReLU(negative_slope=0.2),
        nn.Linear(width, 784),
        nn.Tanh(),
    )


def judge(width, dropout):
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, width),
        nn.LeakyReLU(0.2),
        nn.Dropout(dropout),
        nn.Linear(width, 1),
    )


@click.command()
@click.option("--data", type=click.Path(), default="~/data/mnist", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("samples"))
@click.option("--epochs", default=40, show_default=True)
@click.option("--batch-size", default=64, show_default=True)
@click.option("--lr-g", default=2e-4, help="Rate of the generator.")
@click.option("--lr-d", default=2e-4, help="Rate of the discriminator.")
@click.option("--beta1", default=0.5, help="Adam's first decay.")
@click.option("--latent-dim", default=100)
@click.option("--width", default=256)
@click.option("--dropout", default=0.3)
@click.option("--label-smoothing", default=0.1)
@click.option("--n-critic", default=1, help="Steps of the discriminator for each of the other.")
@click.option("--loss", type=click.Choice(["bce", "hinge", "mse"]), default="bce")
@click.option("--spectral-norm/--no-spectral-norm", default=False)
@click.option("--sample-interval", default=400)
@click.option("--n-samples", default=25)
@click.option("--seed", default=0)
@click.option("--device", default="cuda")
@click.option("--workers", default=2)
def main(
    data, out, epochs, batch_size, lr_g, lr_d, beta1, latent_dim, width, dropout,
    label_smoothing, n_critic, loss, spectral_norm, sample_interval, n_samples, seed, device,
    workers,
):
    torch.manual_seed(seed)
    out.mkdir(exist_ok=True)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])
    digits = datasets.MNIST(data, download=True, transform=transform)
    loader = DataLoader(digits, batch_size, shuffle=True, num_workers=workers, drop_last=True)
    g, d = generator(latent_dim, width).to(device), judge(width, dropout).to(device)
    if spectral_norm:
        for layer in d:
            if isinstance(layer, nn.Linear):
                nn.utils.spectral_norm(layer)
    optimizer_g = torch.optim.Adam(g.parameters(), lr=lr_g, betas=(beta1, 0.999))
    optimizer_d = torch.optim.Adam(d.parameters(), lr=lr_d, betas=(beta1, 0.999))

    def cost(score, real):
        if loss == "hinge":
            return torch.relu(1 - score if real else 1 + score).mean()
        goal = torch.full_like(score, 1 - label_smoothing if real else 0.0)
        if loss == "mse":
            return ((score - goal) ** 2).mean()
        return nn.functional.binary_cross_entropy_with_logits(score, goal)

    step = 0
    for epoch in range(epochs):
        for real, _ in loader:
            noise = torch.randn(len(real), latent_dim, device=device)
            fake = g(noise)
            loss_d = cost(d(real.to(device)), True) + cost(d(fake.detach()), False)
            optimizer_d.zero_grad()
            loss_d.backward()
            optimizer_d.step()
            if step % n_critic == 0:
                loss_g = cost(d(fake), True)
                optimizer_g.zero_grad()
                loss_g.backward()
                optimizer_g.step()
            if step % sample_interval == 0:
                save_image(fake[:n_samples].view(-1, 1, 28, 28), out / f"{step}.png", nrow=5)
            step += 1
    print(loss_d.item())


if __name__ == "__main__":
    main()
