package cli

import (
	"os"

	"golang.org/x/sys/windows"
)

// drawsInPlace turns on the codes that move a console's cursor, and reports whether it could.
func drawsInPlace(console *os.File) bool {
	handle := windows.Handle(console.Fd())
	var mode uint32
	if windows.GetConsoleMode(handle, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(handle, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
