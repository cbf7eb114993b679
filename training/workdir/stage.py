"""One recipe's folder in a workdir: what lies in it, and what a continued run may trust."""

import csv
import json
import os
import shutil

from fcn_keras_console.environment import command, versions
from fcn_keras_console.files import read_json, write_json, write_text, written
from fcn_keras_console.scratch import remove_left
from fcn_keras_console.workdir import StageFiles, palette_text

from .checkpoint import save_model, verify
from .hardware import machine
from .option_changes import in_words, option_changes
from .run_record import RunRecord, settings_of

_OF_OLDER_VERSIONS = ("next.keras", ".next.keras", ".best.keras", ".better.keras")  # left by those that were killed


class Stage(StageFiles):
    """One recipe's folder, `<workdir>/<recipe>/`, with the files of `StageFiles`.

    Attributes:
        run: `RunRecord` of the run that writes here; None before `open`, and of a run that is not recorded.
    """

    run = None

    def holds_models(self):
        """Tell whether there is anything that a run trained."""
        return any(path.exists() for path in (self.last, self.previous, self.best, self.summary))

    def finished(self):
        return self.summary.exists() and self.best.exists()

    def started(self):
        return self.last.exists() or self.previous.exists()

    def begun(self):
        """Tell whether there is anything that took time, and what decided it."""
        return self.settings.exists() and (self.started() or self.finished())

    def checkpoint(self):
        """Find the newest checkpoint that is whole.

        Returns:
            its path, its `Position`, and what is wrong with a newer one or None.

        Raises:
            ValueError: if there are checkpoints, and none is whole.
        """
        complaint = None
        for path in (self.last, self.previous):
            try:
                position = verify(path)
            except FileNotFoundError:
                continue
            except ValueError as error:
                complaint = complaint or str(error)
                continue
            if position is not None:
                return path, position, complaint
            complaint = complaint or f"{path} holds no position in a training run."
        raise ValueError(f"{complaint} Restore it from a copy, or remove {self.folder} to train that stage anew.")

    def save(self, model, position):
        """Write a checkpoint, and keep the one before it."""
        save_model(model, self.last, position, self.origin(), older=self.previous)

    def origin(self, *, best=False):
        """Return what a model that is saved now, as a checkpoint or the best, says of its run, or None."""
        return self.run and self.run.origin(self.rows(), best=best)

    def adopt(self, model):
        """Make a copy of another stage's best model the best of this one."""
        with written(self.best, durable=True) as temporary:
            shutil.copyfile(model, temporary)

    def promote_better(self, batches):
        """Make a better model the best if the checkpoint at `batches` has seen its epoch; else forget it."""
        if not self.better.exists():
            return
        try:
            position = verify(self.better)
        except ValueError:  # cut short on its way: the epoch is trained again
            position = None
        if position is not None and position.batches <= batches:
            os.replace(self.better, self.best)
        else:
            self.better.unlink()

    def changed_options(self, decisions):
        """Return what decides another result than the run here, if anything took time: `option_changes`, or {}.

        Args:
            decisions: JSON-able dict of everything that decides the result.
        """
        if not self.begun():
            return {}
        return option_changes(read_json(self.settings).get("decisions", {}), json.loads(json.dumps(decisions)))

    def require_same(self, decisions):
        """Make sure that the folder holds no run of other options; where its data lies is not looked at.

        Raises:
            ValueError: if it does.
        """
        if changes := {name: x for name, x in self.changed_options(decisions).items() if name != "data"}:
            raise ValueError(
                f"{self.folder} holds a run of other options: {in_words(changes)}. Choose another --workdir."
            )

    def open(self, decisions, class_names, plan=None, *, colors=None, listed=None, starts_from=None):
        """Create the folder of a run that is about to start, or leave the one of a run that goes on.

        Args:
            decisions: as `changed_options` takes them.
            class_names: by head; the only head of most models is `""`.
            colors: of the classes, by head; None leaves them to be chosen by whoever paints.
            plan: sentences by what they are about, for who reads the file; None where nothing was planned.
            listed: `DataList` of what it trains on; None where that is not recorded.
            starts_from: ids of the runs that its weights come from, by their stages' names.
        """
        for name in _OF_OLDER_VERSIONS:  # which nobody writes: the workdir is locked
            if (self.folder / name).exists():
                remove_left(self.folder / name)
        if self.started():
            self.run = RunRecord.of(self)
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write_classes(class_names, colors)
        if not plan:  # stopped before its first checkpoint: it goes on by its plan
            plan = settings_of(self).get("plan")
        made = {"versions": versions(), "machine": machine(), "command": command()}
        settings = {"decisions": decisions, **made, **({"plan": plan} if plan else {})}
        if listed is not None:
            listed.save(self.data)
            self.run = RunRecord.new(listed, starts_from)
            settings["run"] = self.run.as_json()
        write_json(self.settings, settings)

    def write_classes(self, class_names, colors=None):
        """Write the class names and their colours, by head."""
        for path, text in self.class_files(class_names).items():
            write_text(path, text)
        self.write_colors(colors or {})

    def write_colors(self, colors, *, lost=False):
        """Write the classes' colours, `(K, 3)` by head; with `lost` only those whose files are missing."""
        first = {"": next(iter(colors.values()))} if colors else {}
        for head, of_head in {**first, **colors}.items():
            if not (lost and self.palette_of(head).exists()):
                write_text(self.palette_of(head), palette_text(of_head))

    def class_files(self, class_names):
        """Return what the files of class names are to hold, by their paths."""
        first = next(iter(class_names))
        files = {**class_names, "": class_names[first]}
        return {self.classes_of(head): "".join(f"{name}\n" for name in names) for head, names in files.items()}

    def rows(self):
        """Return the log's rows, dicts of text by column; none where there is no log, or it is damaged."""
        try:
            with self.log.open(newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file))
        except (OSError, csv.Error, UnicodeDecodeError):
            return []

    def history(self, epochs):
        """Return the log's rows of the first `epochs` epochs, and cut off what is behind them.

        A run that stops between its row and its checkpoint leaves a row too many, or a part of one.
        """
        if not self.log.exists():
            return []
        with self.log.open(newline="") as file:
            reader = csv.DictReader(file)
            names, rows = reader.fieldnames, list(reader)
        kept = [row for i, row in enumerate(rows[:epochs]) if row["epoch"] == str(i) and None not in row.values()]
        if not kept:  # its header may be a part of one, too
            self.log.unlink()
        elif len(kept) < len(rows):
            with written(self.log) as temporary, temporary.open("w", newline="") as file:
                writer = csv.DictWriter(file, names)
                writer.writeheader()
                writer.writerows(kept)
        return kept
