import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from torch import nn
from torch.utils.data import DataLoader, random_split
from torchvision.datasets import FashionMNIST
from torchvision.transforms import ToTensor


class AutoEncoder(pl.LightningModule):
    def __init__(
        self,
        in_features: int = 784,
        latent_dim: int = 16,
        hidden_size: int = 256,
        lr: float = 1e-3,
        kl_weight: float = 0.1,
        log_images: bool = False,
    ):
        super().__init__()
        self.save_hyperparameters()
        self.encoder = nn.Sequential(
            nn.Linear(in_features, hidden_size), nn.ReLU(), nn.Linear(hidden_size, 2 * latent_dim)
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, hidden_size), nn.ReLU(), nn.Linear(hidden_size, in_features)
        )

    def forward(self, x):
        mean, spread = self.encoder(x.flatten(1)).chunk(2, dim=1)
        z = mean + torch.randn_like(mean) * (0.5 * spread).exp()
        return self.decoder(z), mean, spread

    def step(self, batch, name):
        x, _ = batch
        out, mean, spread = self(x)
        kl = -0.5 * (1 + spread - mean**2 - spread.exp()).sum(1).mean()
        loss = F.mse_loss(out, x.flatten(1)) + self.hparams.kl_weight * kl
        self.log(f"{name}_loss", loss, prog_bar=True)
        return loss

    def training_step(self, batch, index):
        return self.step(batch, "train")

    def validation_step(self, batch, index):
        self.step(batch, "val")

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(
            self.parameters(),
            lr=self.hparams.lr,
            weight_decay=0.01,
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
        return [optimizer], [schedule]


class Images(pl.LightningDataModule):
    def __init__(self, root="data", batch_size=128, num_workers=4):
        super().__init__()
        self.root, self.batch_size, self.num_workers = root, batch_size, num_workers

    def setup(self, stage):
        everything = FashionMNIST(self.root, download=True, transform=ToTensor())
        self.train, self.val = random_split(everything, [55000, 5000])

    def train_dataloader(self):
        return DataLoader(
            self.train, batch_size=self.batch_size, shuffle=True, num_workers=self.num_workers
        )

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=512, num_workers=self.num_workers)


if __name__ == "__main__":
    pl.seed_everything(0)
    trainer = pl.Trainer(
        max_epochs=20,
        accelerator="auto",
        devices=1,
        precision=16,
        gradient_clip_val=1.0,
        log_every_n_steps=25,
        callbacks=[
            EarlyStopping("val_loss", patience=5, min_delta=1e-4),
            ModelCheckpoint(monitor="val_loss", save_top_k=1),
        ],
    )
    trainer.fit(AutoEncoder(), Images())
    print(trainer.callback_metrics["val_loss"])
