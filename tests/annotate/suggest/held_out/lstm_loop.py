"""Forecast the electricity load with an LSTM: a plain loop, no framework around it."""
import os
import sys

import torch
import torch.nn as nn

DATA_DIR = os.environ.get("DATA_DIR", "data")
WINDOW = 168
HORIZON = 24
N_INPUTS = 5

device = "cuda" if torch.cuda.is_available() else "cpu"
best = float("inf")
max_epochs = 100
patience = 10
timeout = 3600


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden_size = 96
        self.num_layers = 2
        self.rnn = nn.LSTM(
            input_size=N_INPUTS,
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            dropout=0.25,
            bidirectional=False,
            batch_first=True,
        )
        self.head = nn.Linear(self.hidden_size, HORIZON)

    def forward(self, x):
        h, _ = self.rnn(x)
        return self.head(h[:, -1])


x = torch.load(os.path.join(DATA_DIR, "x.pt"))
y = torch.load(os.path.join(DATA_DIR, "y.pt"))
cut = int(len(x) * 0.85)
train_set = torch.utils.data.TensorDataset(x[:cut], y[:cut])
loader = torch.utils.data.DataLoader(train_set, batch_size=32, shuffle=True)

model = Forecast().to(device)
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.95)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
    optimizer,
    mode="min",
    factor=0.3,
    patience=4,
)
huber_delta = 0.5
grad_clip = 5.0
loss_fn = nn.HuberLoss(delta=huber_delta)

waited = 0
for epoch in range(max_epochs):
    model.train()
    for a, b in loader:
        loss = loss_fn(model(a.to(device)), b.to(device))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        error = (model(x[cut:].to(device)).cpu() - y[cut:]).abs().mean().item()
    scheduler.step(error)
    if error < best:
        best, waited = error, 0
        torch.save(model.state_dict(), "best.pt")
    else:
        waited += 1
        if waited >= patience:
            break
    print(f"{epoch:3d} {error:.4f}", file=sys.stderr)
print("mae", best)
