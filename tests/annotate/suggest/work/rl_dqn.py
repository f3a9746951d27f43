"""Deep Q-learning on CartPole."""

import random
from collections import deque

import gymnasium as gym
import numpy as np
import torch
from torch import nn

ENV_ID = "CartPole-v1"
TOTAL_STEPS = 50_000
GAMMA = 0.99
LR = 2.5e-4
BUFFER_SIZE = 10_000
BATCH_SIZE = 128
TARGET_UPDATE = 500  # steps
TAU = 1.0
EPS_START = 1.0
EPS_END = 0.05
EPS_DECAY = 10_000
LEARNING_STARTS = 1_000
TRAIN_EVERY = 4
HIDDEN = 120
DOUBLE_DQN = True
SEED = 3
EVAL_EPISODES = 10
MAX_EPISODE_STEPS = 500


class Q(nn.Module):
    def __init__(self, inputs, actions):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU()
        )
        self.out = nn.Linear(HIDDEN, actions)

    def forward(self, x):
        return self.out(self.layers(x))


def epsilon(step):
    return EPS_END + (EPS_START - EPS_END) * np.exp(-step / EPS_DECAY)


def learn(q, target, optimizer, memory):
    batch = random.sample(memory, BATCH_SIZE)
    s, a, r, n, d = (torch.tensor(np.array(part), dtype=torch.float32) for part in zip(*batch))
    with torch.no_grad():
        if DOUBLE_DQN:
            best = q(n).argmax(1, keepdim=True)
            following = target(n).gather(1, best)[:, 0]
        else:
            following = target(n).max(1).values
        wanted = r + GAMMA * following * (1 - d)
    given = q(s).gather(1, a.long()[:, None])[:, 0]
    loss = nn.functional.smooth_l1_loss(given, wanted)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(q.parameters(), max_norm=10.0)
    optimizer.step()


def play(env, q, episodes):
    total = 0.0
    for episode in range(episodes):
        state, _ = env.reset(seed=1000 + episode)
        done = False
        while not done:
            action = int(q(torch.tensor(state)[None]).argmax())
            state, reward, ended, cut, _ = env.step(action)
            total += reward
            done = ended or cut
    return total / episodes


def main():
    random.seed(SEED)
    torch.manual_seed(SEED)
    env = gym.make(ENV_ID, max_episode_steps=MAX_EPISODE_STEPS)
    inputs, actions = env.observation_space.shape[0], env.action_space.n
    q, target = Q(inputs, actions), Q(inputs, actions)
    target.load_state_dict(q.state_dict())
    optimizer = torch.optim.Adam(q.parameters(), lr=LR, eps=1e-5)
    memory = deque(maxlen=BUFFER_SIZE)
    state, _ = env.reset(seed=SEED)
    for step in range(TOTAL_STEPS):
        if random.random() < epsilon(step):
            action = env.action_space.sample()
        else:
            action = int(q(torch.tensor(state)[None]).argmax())
        following, reward, ended, cut, _ = env.step(action)
        memory.append((state, action, reward, following, float(ended)))
        state = env.reset()[0] if ended or cut else following
        if step > LEARNING_STARTS and step % TRAIN_EVERY == 0:
            learn(q, target, optimizer, memory)
        if step % TARGET_UPDATE == 0:
            for a, b in zip(target.parameters(), q.parameters()):
                a.data.copy_(TAU * b.data + (1 - TAU) * a.data)
    print("return", play(env, q, EVAL_EPISODES))


if __name__ == "__main__":
    main()
