package cli

import "github.com/spf13/cobra"

func newLogoutCommand(d Deps) *cobra.Command {
	return &cobra.Command{
		Use:   "logout",
		Short: "Remove the sessions that login has kept",
		Long: "Removes all sessions that login has kept. It does not sign you out at the vendors: what was copied of a\n" +
			"session, such as into a CI secret, works until you sign out there or the session expires.",
		Args: flagsAlone,
		RunE: func(*cobra.Command, []string) error { return logout(d) },
	}
}

func logout(d Deps) error {
	removed, err := d.Keep.Remove()
	if err != nil {
		return err
	}
	noun := "sessions"
	if removed == 1 {
		noun = "session"
	}
	d.say("Removed %d %s from this machine. This does not sign you out at the vendors: what was copied of a session works until you sign out "+
		"there or it expires.", removed, noun)
	return nil
}
