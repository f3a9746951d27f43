"""Recognise handwritten digits with a small neural network.

The data are the 1,797 images of 8 x 8 pixels that scikit-learn ships. Run it as any script:

    python train.py --epochs 40
"""

import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import MinMaxScaler, StandardScaler


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    images, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        images, labels, test_size=0.3, stratify=labels, random_state=args.seed
    )

    # @nni.function_choice(StandardScaler(), MinMaxScaler(), name=MinMaxScaler)
    scaler = MinMaxScaler()
    train_x = scaler.fit_transform(train_x)
    test_x = scaler.transform(test_x)

    model = MLPClassifier(
        hidden_layer_sizes=(32,),  # @nni.choice((32,), (64,), (128,), (64, 64))
        activation="logistic",  # @nni.choice("logistic", "tanh", "relu")
        learning_rate_init=0.001,  # @nni.loguniform(1e-4, 1e-1)
        batch_size=200,  # @nni.randint(16, 257)
        random_state=args.seed,
    )

    accuracy = 0.0
    for epoch in range(args.epochs):
        model.partial_fit(train_x, train_y, classes=np.unique(labels))
        accuracy = model.score(test_x, test_y)
        print(f"epoch {epoch + 1:3d}  loss {model.loss_:.4f}  accuracy {accuracy:.4f}")
        # @nni.report_intermediate_result(accuracy)

    print(f"test accuracy {accuracy:.4f}")
    # @nni.report_final_result(accuracy)


if __name__ == "__main__":
    main()
