"""Sentiment of film reviews with Keras."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

max_features = 20000
maxlen = 200
num_classes = 2

keras.utils.set_random_seed(1)
(x_train, y_train), (x_test, y_test) = keras.datasets.imdb.load_data(num_words=max_features)
x_train = keras.utils.pad_sequences(x_train, maxlen=maxlen)
x_test = keras.utils.pad_sequences(x_test, maxlen=maxlen)

model = keras.Sequential()
model.add(keras.Input(shape=(maxlen,), dtype="int32"))
model.add(layers.Embedding(input_dim=max_features, output_dim=128))
model.add(layers.Conv1D(
    filters=64,
    kernel_size=5,
    strides=1,
    padding="valid",
    activation="relu",
))
model.add(layers.MaxPooling1D(pool_size=4))
model.add(layers.LSTM(
    units=70,
    dropout=0.2,
    recurrent_dropout=0.0,
))
model.add(layers.Dense(1, activation="sigmoid"))

optimizer = keras.optimizers.Adam(learning_rate=0.001)
model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"])

stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)
plateau = keras.callbacks.ReduceLROnPlateau(
    monitor="val_loss",
    factor=0.5,
    patience=2,
    min_lr=1e-6,
)
model.fit(
    x_train,
    y_train,
    batch_size=32,
    epochs=15,
    validation_split=0.1,
    callbacks=[stop, plateau],
    verbose=2,
)
loss, accuracy = model.evaluate(x_test, y_test, batch_size=256, verbose=0)
print("test accuracy:", accuracy)
np.save("last.npy", np.array([loss, accuracy]))
