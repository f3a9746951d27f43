"""Segment cell images; the configuration is a dict of dicts, as a YAML file would give it."""

import random
from copy import deepcopy

import numpy as np
import torch
from torch import nn

cfg = dict(
    run=dict(name='cells', version='1.4', port=6006, debug=False),
    data=dict(
        root='/data/cells',
        image_size=256,
        crop=192,
        classes=2,
        mean=0.45,
        std=0.22,
        workers=6,
        flip_prob=0.5,
        noise_std=0.02,
    ),
    model={
        'type': 'unet',
        'in_channels': 1,
        'base_channels': 32,
        'depth': 4,
        'norm': 'batch',
        'drop_path': 0.1,
    },
    loss={'dice_weight': 0.5, 'pos_weight': 2.0},
    optim={
        'name': 'adamw',
        'lr': 0.0005,
        'weight_decay': 0.05,
        'betas': (0.9, 0.99),
    },
    train={
        'epochs': 80,
        'batch_size': 8,
        'ema_decay': 0.999,
        'save_every': 5,
        'amp': True,
        'seed': 123,
    },
)


def norm(width):
    if cfg['model']['norm'] == 'batch':
        return nn.BatchNorm2d(width)
    elif cfg['model']['norm'] == 'instance':
        return nn.InstanceNorm2d(width)
    elif cfg['model']['norm'] == 'group':
        return nn.GroupNorm(8, width)
    return nn.Identity()


class UNet(nn.Module):
    def __init__(self, c):
        super().__init__()
        width = c['base_channels']
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        previous = c['in_channels']
        for level in range(c['depth']):
            now = width * 2**level
            self.down.append(nn.Sequential(nn.Conv2d(previous, now, 3, padding=1), norm(now), nn.ReLU()))
            previous = now
        for level in reversed(range(c['depth'] - 1)):
            now = width * 2**level
            self.up.append(nn.Sequential(nn.Conv2d(previous + now, now, 3, padding=1), norm(now), nn.ReLU()))
            previous = now
        self.out = nn.Conv2d(previous, 1, 1)

    def forward(self, x):
        kept = []
        for layer in self.down:
            x = layer(x)
            kept.append(x)
            x = nn.functional.max_pool2d(x, 2)
        x = kept.pop()
        for layer in self.up:
            x = nn.functional.interpolate(x, scale_factor=2)
            x = layer(torch.cat([x, kept.pop()], dim=1))
        return self.out(x)


def optimizer_for(model):
    o = cfg['optim']
    kinds = {'adamw': torch.optim.AdamW, 'adam': torch.optim.Adam}
    return kinds[o['name']](
        model.parameters(), lr=o['lr'], betas=o['betas'], weight_decay=o['weight_decay']
    )


def main():
    random.seed(cfg['train']['seed'])
    images = torch.from_numpy(np.load(cfg['data']['root'] + '/x.npy'))
    masks = torch.from_numpy(np.load(cfg['data']['root'] + '/y.npy'))
    model = UNet(cfg['model'])
    smooth = deepcopy(model)
    optimizer = optimizer_for(model)
    for epoch in range(cfg['train']['epochs']):
        for rows in torch.randperm(len(images)).split(cfg['train']['batch_size']):
            x = (images[rows] - cfg['data']['mean']) / cfg['data']['std']
            x = x + cfg['data']['noise_std'] * torch.randn_like(x)
            y = masks[rows]
            if random.random() < cfg['data']['flip_prob']:
                x, y = x.flip(-1), y.flip(-1)
            z = model(x)
            weight = torch.tensor(cfg['loss']['pos_weight'])
            cross = nn.functional.binary_cross_entropy_with_logits(z, y, pos_weight=weight)
            p = z.sigmoid()
            dice = 1 - 2 * (p * y).sum() / (p.sum() + y.sum() + 1e-6)
            w = cfg['loss']['dice_weight']
            loss = w * dice + (1 - w) * cross
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            for a, b in zip(smooth.parameters(), model.parameters()):
                a.data.lerp_(b.data, 1 - cfg['train']['ema_decay'])
        if epoch % cfg['train']['save_every'] == 0:
            torch.save(smooth.state_dict(), f"{cfg['run']['name']}-{epoch}.pt")


if __name__ == '__main__':
    main()
