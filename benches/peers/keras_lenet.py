"""Trains the notebook's LeNet in Keras: python keras_lenet.py DATA_DIR EPOCHS [SEED [MARK..]].

Prints a line of JSON with the seconds of each epoch (including validation, which fit() does not time separately), the wall
time from loading to saving in seconds, and the peak resident memory in MB. After each MARK, a number of epochs, it also
measures the test accuracy. The seconds of a mark count from loading and exclude these measurements.
"""
import json, os, resource, sys, tempfile, time
begin = time.perf_counter()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np, tensorflow as tf
import fashion_mnist

data, epochs = sys.argv[1], int(sys.argv[2])
seed, *marks = map(int, sys.argv[3:] or ["0"])
(x, y), (xt, yt) = [(x[..., None].astype(np.float32), y.astype(np.int64)) for x, y in fashion_mnist.load(data)]

L = tf.keras.layers
tf.keras.utils.set_random_seed(seed)
net = tf.keras.Sequential([tf.keras.Input((28, 28, 1)),
    L.Conv2D(6, 5, activation="sigmoid"), L.MaxPool2D(2, 2), L.Conv2D(16, 5, activation="sigmoid"), L.MaxPool2D(2, 2),
    L.Flatten(), L.Dense(120, activation="sigmoid"), L.Dense(84, activation="sigmoid"), L.Dense(10, activation="sigmoid")])
# Current Keras computes the loss from the input of the sigmoid. identity() hides that input, as in TensorFlow 2.0.
loss = lambda labels, outputs: tf.keras.losses.sparse_categorical_crossentropy(labels, tf.identity(outputs))
net.compile(tf.keras.optimizers.SGD(0.9), loss, metrics=["accuracy"])

class Clock(tf.keras.callbacks.Callback):
    seconds, marks, measuring = [], [], 0.0
    def on_epoch_begin(self, epoch, logs=None): self.start = time.perf_counter()
    def on_epoch_end(self, epoch, logs=None):
        end = time.perf_counter()
        self.seconds.append(end - self.start)
        if epoch + 1 in marks:
            accuracy = float(np.mean(self.model.predict_on_batch(xt).argmax(1) == yt))
            self.marks.append({"epochs": epoch + 1, "seconds": end - begin - self.measuring, "accuracy": accuracy})
            self.measuring += time.perf_counter() - end

net.fit(x, y, epochs=epochs, validation_split=0.1, verbose=0, callbacks=[Clock()])
accuracy = net.evaluate(xt, yt, verbose=0)[1]
with tempfile.TemporaryDirectory() as directory:
    net.save(os.path.join(directory, "model.keras"))
print(json.dumps({"version": "TensorFlow " + tf.__version__, "epochs": Clock.seconds, "marks": Clock.marks, "evaluation": None,
    "wall": time.perf_counter() - begin, "accuracy": float(accuracy),
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
