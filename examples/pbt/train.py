"""A small neural network on the digits that continues from another trial's checkpoint.

    python train.py                       trains alone
    annotate run train.py --tuner pbt --max-trials 40 --no-baseline

Each trial trains for two epochs; the tuner says whose checkpoint it loads.
"""

import os
import pickle
import warnings

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

try:
    from nni import get_current_parameter
except ImportError:  # run by hand

    def get_current_parameter(name):
        return None


lr = 0.003  # @nni.loguniform(1e-5, 1e-1)
alpha = 1e-4  # @nni.loguniform(1e-6, 1e-1)

images, labels = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(images / 16, labels, random_state=0)

model, epochs = MLPClassifier(hidden_layer_sizes=(32,), random_state=0), 0
load, save = (
    get_current_parameter("load_checkpoint_dir"),
    get_current_parameter("save_checkpoint_dir"),
)
if load and os.path.exists(os.path.join(load, "model.pickle")):
    with open(os.path.join(load, "model.pickle"), "rb") as file:
        model, epochs = pickle.load(file)
model.set_params(learning_rate_init=lr, alpha=alpha)
if epochs:
    model._optimizer.learning_rate_init = lr

for _ in range(2):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.partial_fit(train_x, train_y, classes=range(10))
    epochs += 1
    accuracy = model.score(test_x, test_y)
    # @nni.report_intermediate_result({"default": accuracy, "epochs": epochs})

if save:
    with open(os.path.join(save, "model.pickle"), "wb") as file:
        pickle.dump((model, epochs), file)
print(f"accuracy {accuracy:.4f} after {epochs} epochs")
# @nni.report_final_result(accuracy)
