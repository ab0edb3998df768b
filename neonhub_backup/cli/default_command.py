"""A group of commands one of which needs no name: `restore NAME` beside `restore promote`."""

from typing import Any

from typer.core import TyperGroup

DEFAULT = "default"
"""Name under which the command that needs none is registered, hidden."""


class WithDefault(TyperGroup):
    """Takes what is none of its commands' names as the arguments of its default one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command's name first, where no name is given."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The default command's help, then the names of the others."""
        default = self.commands[DEFAULT]
        shown = type(ctx)(default, info_name=ctx.info_name, parent=ctx.parent)
        default.format_usage(shown, formatter)
        default.format_help_text(shown, formatter)
        default.format_options(shown, formatter)
        self.format_commands(ctx, formatter)
