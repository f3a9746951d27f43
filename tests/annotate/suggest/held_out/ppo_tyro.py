"""Proximal policy optimisation with a shared trunk."""

from dataclasses import dataclass

import gymnasium as gym
import torch
from torch import nn
from torch.distributions import Categorical


@dataclass
class Args:
    exp_name: str = "ppo"
    env_id: str = "LunarLander-v2"
    seed: int = 1
    cuda: bool = True
    capture_video: bool = False
    total_timesteps: int = 500_000
    learning_rate: float = 2.5e-4
    anneal_lr: bool = True
    num_steps: int = 128
    gamma: float = 0.99
    gae_lambda: float = 0.95
    num_minibatches: int = 4
    update_epochs: int = 4
    norm_adv: bool = True
    clip_coef: float = 0.2
    ent_coef: float = 0.01
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5
    hidden_size: int = 64
    activation: str = "tanh"


class Agent(nn.Module):
    def __init__(self, inputs, actions, args):
        super().__init__()
        act = nn.Tanh if args.activation == "tanh" else nn.ReLU
        self.trunk = nn.Sequential(nn.Linear(inputs, args.hidden_size), act())
        self.policy = nn.Linear(args.hidden_size, actions)
        self.value = nn.Linear(args.hidden_size, 1)

    def forward(self, x):
        h = self.trunk(x)
        return Categorical(logits=self.policy(h)), self.value(h)[..., 0]


def collect(env, agent, state, args):
    kept = []
    for _ in range(args.num_steps):
        x = torch.as_tensor(state)
        with torch.no_grad():
            policy, value = agent(x)
        action = policy.sample()
        state, reward, ended, cut, _ = env.step(int(action))
        kept.append((x, action, policy.log_prob(action), value, reward, ended or cut))
        if ended or cut:
            state, _ = env.reset()
    return kept, state


def advantages(kept, last, args):
    found, running = [], 0.0
    following = last
    for _, _, _, value, reward, done in reversed(kept):
        delta = reward + args.gamma * following * (1 - done) - value
        running = delta + args.gamma * args.gae_lambda * (1 - done) * running
        found.append(running)
        following = value
    return torch.stack(found[::-1])


def update(agent, optimizer, kept, gains, args):
    x, action, before, value = (torch.stack(part) for part in list(zip(*kept))[:4])
    returns = gains + value
    size = len(kept) // args.num_minibatches
    for _ in range(args.update_epochs):
        for rows in torch.randperm(len(kept)).split(size):
            policy, now = agent(x[rows])
            ratio = (policy.log_prob(action[rows]) - before[rows]).exp()
            gain = gains[rows]
            if args.norm_adv:
                gain = (gain - gain.mean()) / (gain.std() + 1e-8)
            bounded = ratio.clamp(1 - args.clip_coef, 1 + args.clip_coef)
            loss = -torch.min(ratio * gain, bounded * gain).mean()
            loss = loss + args.vf_coef * ((now - returns[rows]) ** 2).mean()
            loss = loss - args.ent_coef * policy.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), args.max_grad_norm)
            optimizer.step()


def main(args):
    torch.manual_seed(args.seed)
    env = gym.make(args.env_id)
    agent = Agent(env.observation_space.shape[0], env.action_space.n, args)
    optimizer = torch.optim.Adam(agent.parameters(), lr=args.learning_rate, eps=1e-5)
    state, _ = env.reset(seed=args.seed)
    updates = args.total_timesteps // args.num_steps
    reward = 0.0
    for number in range(updates):
        if args.anneal_lr:
            optimizer.param_groups[0]["lr"] = args.learning_rate * (1 - number / updates)
        kept, state = collect(env, agent, state, args)
        with torch.no_grad():
            last = agent(torch.as_tensor(state))[1]
        update(agent, optimizer, kept, advantages(kept, last, args), args)
        reward = sum(part[4] for part in kept) / (1 + sum(part[5] for part in kept))
    print("return", reward)


if __name__ == "__main__":
    main(Args())
