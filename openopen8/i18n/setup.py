"""Texts of the set-up page."""

TEXTS: dict[str, tuple[str, str]] = {
    "title": ("Create the root account", "创建 root 账户"),
    "about": (
        "This gateway is new. The first account owns it: channels, prices, users, settings.",
        "这是全新的网关。第一个账户是所有者，管理渠道、价格、用户和设置。",
    ),
    "password.help": ("At least 8 characters.", "至少 8 个字符。"),
    "code": ("One-time code", "一次性验证码"),
    "code.help": ("The terminal in which the server was started shows it.", "见启动服务器的终端。"),
    "button": ("Create account", "创建账户"),
}
