"""Whether what a workdir holds is this run, of this data: found out before anything is planned or written."""

import itertools
import os

from fcn_keras.interface import heads_of
from fcn_keras_console.environment import command
from fcn_keras_console.files import read_json, write_json
from fcn_keras_console.words import counted, percent, some
from fcn_keras_console.workdir import KEPT

from ..scoring.class_colors import colors_of
from ..workdir.data_changes import changes_meaning, sentence
from ..workdir.data_list import read_data_list
from ..workdir.faults import faults, settings_fault
from ..workdir.option_changes import in_words
from ..workdir.run_record import RunRecord, sealed, settings_of
from ..workdir.stage import Stage
from .callbacks import mean_iu
from .extension import LONGER
from .found import Found, class_files, data_changes, with_followers
from .other_options import other_options
from .rescoring import rescored
from .retyped import retyped

REFUSE, GO_ON, ANEW = "refuse", "go-on", "anew"


class SameRun:
    """Look what a workdir holds of a run's stages.

    Args:
        workdir: of the run.
        opened: `OpenedData`.
        devices: of `devices.open_devices`.
        reporter: `Reporter`.
        arguments: of the command line.
    """

    def __init__(self, workdir, opened, devices, reporter, arguments):
        self.workdir, self.opened, self.devices, self.reporter = workdir, opened, devices, reporter
        self.if_changed, self.extend, self.given = arguments.if_changed, arguments.extend, arguments.words
        self.found, self._before = {}, None

    @property
    def goes_on_changed(self):
        """Whether a stage goes on, or went on before, with other data than it was planned for."""
        return any(one.said or (one.record and one.record.changes) for one in self.found.values())

    def look_at_settings(self, names):
        """Look whether what every stage was trained by is still written down; before anything is read of it.

        Raises:
            ValueError: if it is not, unless those stages are to be trained anew.
        """
        stages = [Stage(self.workdir / name) for name in names]
        lost = {stage.folder.name: settings_fault(stage) for stage in stages if stage.holds_models()}
        lost = {name: fault for name, fault in lost.items() if fault}
        self.devices.agree({"what the workdir holds": lost})
        if lost and self.if_changed != ANEW:
            raise ValueError(f"{next(iter(lost.values()))}. Restore it from a copy, or give {self._anew()}.")
        if lost:
            self.set_aside(list(lost))

    def look(self, chain, decisions):
        """Look at all stages. Those that are to be trained anew are set aside.

        Args:
            chain: recipes of the stages.
            decisions: function from a recipe to what `Stage.changed_options` takes.

        Returns:
            Whether the run is to be planned anew.

        Raises:
            ValueError: if something differs, and nothing was said of what to do then, or it cannot be done.
        """
        stages = [(recipe, Stage(self.workdir / recipe.name)) for recipe in chain]
        found = [self._found(recipe, stage, decisions) for recipe, stage in stages if stage.holds_models()]
        wrong = [one for one in found if not one.same]
        told = [[one.recipe.name, one.said, one.faults, one.options] for one in wrong]
        self.devices.agree({"what differs from the run in the workdir": told})
        if not found:
            return self._planned_for_other_data(stages)
        anew = with_followers(chain, wrong) if self.if_changed == ANEW else []
        if anew:
            self.set_aside(anew)
        elif wrong:
            self._require_goes_on(chain, found, wrong)
        self.found = {one.recipe.name: one for one in found if one.recipe.name not in anew}
        return bool(anew)

    def _found(self, recipe, stage, decisions):
        if fault := settings_fault(stage):
            return Found(recipe, stage, faults=[fault])
        decided, record = decisions(recipe), RunRecord.of(stage)
        options = stage.changed_options(decided)
        longer = {name: x for name, x in options.items() if self.extend and name in LONGER}
        if options.keys() - longer.keys() - {"data"}:
            return Found(recipe, stage, options=options)
        try:
            examples = self.opened.examples(recipe)["train"]
        except (ValueError, OSError):
            if "data" in options:  # that it is another run's folder says more
                return Found(recipe, stage, options=options)
            raise
        if "data" in options and (record is None or not hasattr(examples, "files")):
            return Found(recipe, stage, options=options)
        wrong = faults(stage, recipe.steps_per_epoch, mean_iu)
        if record is None:
            if not wrong:
                self._warn_of_no_record(stage)
            listed = self.opened.listed(recipe)
            return Found(recipe, stage, listed=listed, faults=wrong, longer=longer, decided=decided)
        known = read_data_list(stage.data)
        known = known if known is not None and record.knows(known.digests) else None
        listed = self.opened.listed(recipe, known)
        wrong += class_files(stage, listed) if listed.digests["classes"] == record.data.get("classes") else []
        places = (settings_of(stage)["decisions"].get("data"), decided["data"])
        moved = () if len({*places}) == 1 else places
        said = data_changes(record, known, listed)
        return Found(recipe, stage, record, known, listed, said, wrong, moved, longer=longer, decided=decided)

    def _warn_of_no_record(self, stage):
        later = "" if stage.finished() else " It is recorded from now on."
        self.reporter.warn(
            f"fcn-train: {stage.folder} was begun by a version that did not record its data: whether the data is "
            f"still the same cannot be told.{later}"
        )

    def _planned_for_other_data(self, stages):
        """Forget the plan of a run that trained nothing yet if its data has changed, and say so."""
        for recipe, stage in stages:
            if settings_fault(stage) or not (record := RunRecord.of(stage)):
                continue
            known = read_data_list(stage.data)
            said = data_changes(record, known, self.opened.listed(recipe, known))
            if not said:
                continue
            self.reporter.warn(
                f"fcn-train: {self._changed(Found(recipe, stage, said=said))}. Nothing was trained: it is planned anew."
            )
            if self.devices.lead:
                for _, each in stages:
                    each.settings.unlink(missing_ok=True)
            self.devices.agree({"the plan": "anew"})
            return True
        return False

    def _changed(self, found):
        of = f" (trained on {found.moved[0]}: for other data choose another --workdir)" if found.moved else ""
        return f"{self.opened.directory} is not what it was for {found.stage.folder}{of}: {sentence(found.said)}"

    def _anew(self):
        return f"--if-changed anew, which starts anew and keeps what is there in {self._kept_in()}"

    def _kept_in(self):
        """Return the folder that stages are moved to which start anew, the first that is not there yet."""
        free = (self.workdir / f"{KEPT}{number}" for number in itertools.count(1))
        self._before = self._before or next(folder for folder in free if not folder.exists())
        return self._before

    def set_aside(self, names):
        """Move stages into a folder of their own, which is a workdir like the one they were in; return it."""
        before = self._kept_in()
        moved = [name for name in names if (self.workdir / name).exists()]
        self.devices.agree({"the stages that start anew": moved})
        if self.devices.lead:
            before.mkdir(exist_ok=True)
            for name in moved:
                os.rename(self.workdir / name, before / name)
            told = f"Starting anew: {some(moved)} of before {'is' if len(moved) == 1 else 'are'} kept in {before}."
            self.reporter.report("anew", told, stages=moved, kept=str(before))
        self.devices.agree({"that they were set aside": moved})
        return before

    def _require_goes_on(self, chain, found, wrong):
        """Make sure that a run is to go on with other data, and can."""
        first = wrong[0]
        if other := [one for one in wrong if one.options]:
            places = {"kept_in": self._kept_in(), "other": self._other()}
            raise other_options(other[0], self.given, extend=self.extend, **places)
        anew = self._anew()
        if broken := [one for one in wrong if one.faults]:
            raise ValueError(f"{broken[0].faults[0]}. Restore it from a copy, or give {anew}.")
        what = self._changed(first)
        what += f" (and of {counted(len(wrong) - 1, 'more stage')})" if len(wrong) > 1 else ""
        if any(one.known is not None and changes_meaning(one.known.classes, one.listed.classes) for one in wrong):
            raise ValueError(
                f"{what}. The net cannot go on: a channel of its would mean another class. Bring the classes back to "
                f"what they were, or give {anew}."
            )
        if any("classes" in one.said and one.known is None for one in wrong):
            raise ValueError(f"{what}. The net cannot go on where its classes are not known. Give {anew}.")
        last = found[-1]
        if last.recipe is chain[-1] and last.stage.finished():
            raise ValueError(
                f"{what}. That run is finished. Give {anew}; or train on from its weights in another workdir: "
                f"{self._from_weights(last.stage)}"
            )
        if self.if_changed == REFUSE:
            raise ValueError(
                f"{what}. Give --if-changed go-on, which goes on with the data as it is and writes that down, or "
                f"{anew}."
            )

    def _other(self):
        return self.workdir.with_name(f"{self.workdir.name}_2")

    def _from_weights(self, stage):
        """Return the command that starts from a stage's weights in another workdir."""
        without = ("--weights-preprocessing", "--if-changed", "--extend")
        return retyped(self.given, without, workdir=self._other(), weights=stage.best)

    def go_on(self, recipe):
        """Write down what a stage goes on with; in the process that leads."""
        found = self.found.get(recipe.name)
        if found is None or not self.devices.lead:
            return
        stage, listed = found.stage, found.listed
        if found.longer:
            self._extend(found)
        examples = self.opened.examples(recipe)["train"]
        names, colors = heads_of(examples.class_names), colors_of(examples)
        if found.said:
            self._accept(found)
            stage.write_classes(names, colors if "classes" in found.said else None)
        elif found.record is None:
            if stage.finished():
                return
            RunRecord.new(listed, unrecorded=stage.checkpoint()[1].batches).save(stage)
        if found.moved:
            self._move(found)
        for path, text in stage.class_files(names).items():
            if not path.exists():
                self.reporter.warn(f"fcn-train: {path} was lost, and is written anew.")
                path.write_text(text, encoding="utf-8")
        stage.write_colors(colors, lost=True)
        if found.known is None or found.known.splits != listed.splits:
            listed.save(stage.data)

    def _extend(self, found):
        """Write down that a stage is trained for longer; from then on it is not finished."""
        stage, settings = found.stage, settings_of(found.stage)
        batches = stage.checkpoint()[1].batches
        before = {name: there for name, (there, _) in found.longer.items()}
        change = {"after_batch": batches, "before": before, "command": command()}
        decisions = {**found.decided, "data": settings["decisions"].get("data")}
        stage.summary.unlink(missing_ok=True)
        write_json(
            stage.settings, {**settings, "decisions": decisions, "extended": [*settings.get("extended", []), change]}
        )
        text = f"{found.recipe.name}: trained for longer: {in_words(found.longer)}"
        if "steps" in found.longer and found.recipe.final_learning_rate != 1:
            text += f"; the learning rate goes on as in a run of {found.recipe.steps} steps"
        self.reporter.report("extended", text, stage=found.recipe.name, **change)

    def _move(self, found):
        """Write down that the data lies elsewhere."""
        was, here = found.moved
        settings = settings_of(found.stage)
        settings["decisions"]["data"] = here
        write_json(found.stage.settings, settings)
        text = f"{found.recipe.name}: its data lies in {here} now, and lay in {was}"
        self.reporter.report("moved data", text, stage=found.recipe.name, data=here, before=was)

    def _accept(self, found):
        """Go on with other data: write down from which batch on, and score the best net on other validation images."""
        stage, recipe = found.stage, found.recipe
        if stage.finished():  # its checkpoints may have been removed
            closed = len(stage.rows())
            batches = closed * recipe.steps_per_epoch
        else:
            position = stage.checkpoint()[1]
            batches, closed = position.batches, position.closed(recipe.steps_per_epoch)
            stage.promote_better(batches)
        change, told = {"after_batch": batches, "what": found.said}, ""
        if found.said.keys() & {"val", "classes"} and stage.best.exists():
            val = self.opened.examples(recipe)["val"]
            change["rescored"] = rescored(recipe, stage, val, found.record.id, closed)
            score = change["rescored"]["mean_iu"]
            told = f"; {stage.best.name} has a mean IU of {percent(score)} % on the validation images of now"
            if stage.summary.exists():
                summary = read_json(stage.summary)
                best = {**summary["best"], **change["rescored"]["logs"], "val_mean_iu": score}
                write_json(stage.summary, sealed({**summary, "best": best}))
        found.record.changed(found.listed, change).save(stage)
        text = f"{recipe.name}: the data changed after batch {batches}: {sentence(found.said)}{told}"
        self.reporter.report("changed data", text, stage=recipe.name, **change)
