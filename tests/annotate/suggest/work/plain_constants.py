# Logistic regression by hand, for teaching.
import csv
import math
import random

DATA_FILE = "spam.csv"
N_FEATURES = 57
SEED = 0
EPOCHS = 30
LEARNING_RATE = 0.1
LR_DECAY = 0.95
BATCH_SIZE = 16
L2 = 0.001
MOMENTUM = 0.9
INIT_SCALE = 0.01
THRESHOLD = 0.5
TRAIN_SPLIT = 0.8
VERBOSE = True

random.seed(SEED)


def load(path):
    with open(path) as file:
        rows = [[float(cell) for cell in row] for row in csv.reader(file)]
    random.shuffle(rows)
    return [(row[:N_FEATURES], row[N_FEATURES]) for row in rows]


def sigmoid(z):
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, z))))


rows = load(DATA_FILE)
cut = int(TRAIN_SPLIT * len(rows))
train, test = rows[:cut], rows[cut:]

weights = [random.gauss(0, INIT_SCALE) for _ in range(N_FEATURES)]
bias = 0.0
speed = [0.0] * N_FEATURES
rate = LEARNING_RATE

for epoch in range(EPOCHS):
    total = 0.0
    random.shuffle(train)
    for start in range(0, len(train), BATCH_SIZE):
        batch = train[start : start + BATCH_SIZE]
        gradient = [L2 * w for w in weights]
        shift = 0.0
        for x, y in batch:
            p = sigmoid(sum(w * v for w, v in zip(weights, x)) + bias)
            total -= math.log(p if y else 1 - p)
            for i, v in enumerate(x):
                gradient[i] += (p - y) * v / len(batch)
            shift += (p - y) / len(batch)
        for i in range(N_FEATURES):
            speed[i] = MOMENTUM * speed[i] - rate * gradient[i]
            weights[i] += speed[i]
        bias -= rate * shift
    rate *= LR_DECAY
    if VERBOSE:
        print(epoch, total / len(train))

right = 0
for x, y in test:
    p = sigmoid(sum(w * v for w, v in zip(weights, x)) + bias)
    right += (p > THRESHOLD) == (y == 1)
print("accuracy", right / len(test))
