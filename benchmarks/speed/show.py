"""What the sections' tables and panels share."""


def reasons(rows):
    """Say of every row that failed why, a line each."""
    return [f"{name}: not available ({row['reason']})" for name, row in rows.items() if "reason" in row]


def optional(value, form):
    """Format a number; a dash stands for None."""
    return "-" if value is None else form.format(value)


def bars(axes, values, label, form="{:.2f}"):
    """Draw a horizontal bar a name, the first on top; PyTorch's in a colour of their own."""
    names = list(values)[::-1]
    colors = ["#c44e52" if name.startswith("PyTorch") else "#4878a8" for name in names]
    drawn = axes.barh(names, [values[name] for name in names], color=colors, height=0.6)
    axes.bar_label(drawn, [form.format(values[name]) for name in names], padding=3)
    axes.set_xlim(0, 1.2 * max(values.values(), default=1))
    axes.set_xlabel(label)
