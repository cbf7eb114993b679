"""Register this package's layers, losses, metrics and optimizers with Keras as soon as there is a Keras.

`keras.models.load_model` finds them after `import fcn_keras`, whether Keras is imported before or after it. But
`import fcn_keras` alone does not start Keras, whose backend takes seconds: data sets and painting need neither.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

# Whatever registers something. None of them imports a module of this package that imports Keras: they are imported
# while the module that imported Keras is still half done.
MODULES = ("initializers", "layers", "losses", "metrics", "optimizers")
NO_TENSORFLOW = (
    'TensorFlow is missing. Install it with: pip install "fcn_keras[cpu]", or for an NVIDIA GPU: '
    'pip install "fcn_keras[cuda]"'
)


def register_with_keras() -> None:
    """Register now if Keras has been imported, else right behind its import."""
    if "keras" in sys.modules:
        _register()
    elif not any(isinstance(finder, _KerasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _KerasFinder())


def _register() -> None:
    for module in MODULES:
        import_module(f"fcn_keras.{module}")


class _KerasFinder(MetaPathFinder):
    """Find Keras where the other finders find it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "keras":
            return None
        others = (finder.find_spec(fullname, path, target) for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, others), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _KerasLoader(self, spec.loader)
        return spec


class _KerasLoader(Loader):
    """Load Keras as its own loader does, then register; say what to do where its backend, TensorFlow, is missing."""

    def __init__(self, finder: _KerasFinder, loader: Loader) -> None:
        self.finder = finder
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        try:
            self.loader.exec_module(module)
        except ModuleNotFoundError as error:
            if error.name != "tensorflow":
                raise
            message = f"{NO_TENSORFLOW}. Or choose a backend of Keras that is there: KERAS_BACKEND=jax."
            raise ImportError(message, name="tensorflow") from None
        if self.finder in sys.meta_path:
            sys.meta_path.remove(self.finder)
        _register()
