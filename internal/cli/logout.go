package cli

import (
	"slices"

	"github.com/spf13/cobra"
)

func newLogoutCommand(d Deps) *cobra.Command {
	var shops []string
	cmd := &cobra.Command{
		Use:   "logout",
		Short: "Remove the sessions that login keeps",
		Long: "Removes the sessions of the shops that you name, or else all sessions. It does not sign you out at the vendors. A copy of\n" +
			"a session, such as in a CI secret, works until you sign out there or the session expires.",
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return logout(d, shops) },
	}
	cmd.Flags().StringArrayVar(&shops, "mystore", nil, "remove only the sessions of this `shop`; repeat it for several shops")
	return cmd
}

func logout(d Deps, shops []string) error {
	removed, err := removeSessions(d, shops)
	if err != nil {
		return err
	}
	noun := "sessions"
	if removed == 1 {
		noun = "session"
	}
	d.say("Removed %d %s from this machine. This does not sign you out at the vendors: a copy of a session works until you sign out "+
		"there or it expires.", removed, noun)
	return nil
}

// removeSessions removes the sessions of the shops, or all sessions if shops is empty. It returns their number.
func removeSessions(d Deps, shops []string) (int, error) {
	if len(shops) == 0 {
		return d.Sessions.Remove()
	}
	kept, err := d.Sessions.All()
	if err != nil {
		return 0, err
	}
	removed := 0
	for _, one := range kept {
		if !slices.Contains(shops, one.Account) {
			continue
		}
		if _, err := d.Sessions.RemoveOne(one.Host, one.Account); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}
