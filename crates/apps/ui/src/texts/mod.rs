//! Everything that the interface says, in one file per language. What the engine reports by code is in
//! `session_api::sentences`.

mod english;
mod german;

use sotto_session_api::sentences::Language;

macro_rules! texts {
    ($($name:ident)*) => {
        /// All sentences of one language. `{0}` and `{1}` are filled by [`fill`].
        #[derive(Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each field is the sentence that its language's file has for it")]
        pub struct Texts {
            $(pub $name: &'static str,)*
        }

        impl Texts {
            /// Name and sentence of each.
            pub fn all(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }
        }
    };
}

texts! {
    // Everywhere
    close back cancel done dismiss your_therapist room clients device_check help settings lock menu leave_at_once
    shift_three_times can_anyone_listen offline
    // First start
    welcome_display welcome_lead welcome_title have_code have_code_text am_therapist am_therapist_text check_devices
    text_size setup_title_therapist setup_title_client setup_lead passphrase passphrase_help passphrase_again
    passphrase_short passphrase_differs show_passphrase server server_hint server_help_therapist server_help_client
    server_wrong open_policy policy_wrong policy_taken setup_go setup_busy setup_missing setup_missing_server unlock_title unlock_lead unlock_go
    unlock_busy unlock_forgotten
    come_from arrive_title arrive_lead arrive_file arrive_file_text arrive_choose arrive_no_file arrive_words
    arrive_words_help arrive_no_words arrive_go arrive_busy
    // This computer
    this_computer change_passphrase change_title change_lead passphrase_present passphrase_new passphrase_here change_go change_busy
    passphrase_changed keyring keyring_title keyring_lead keyring_on_lead keyring_lost keyring_lost_text keyring_off_means
    keyring_on keyring_off keyring_is_on keyring_is_off move_computer move_title move_lead move_step_file move_step_words move_step_there move_compare
    move_go move_busy move_words_title move_words_text move_next move_next_text erase_title erase_text erase
    erase_asked erase_asked_text erase_yes record record_text record_save record_stored record_not_stored
    record_changed
    // Room
    waiting here_now here_minute here_minutes same_keys_as same_keys new_compare continuity_lost admit admit_name
    admitting more_name send_away send_away_text open_contact nobody_waiting nobody_waiting_text silent new_client
    find_label no_clients no_clients_text nothing_found state_verified state_unverified state_invited state_pairing
    state_mismatch second_invited second_pairing second_unverified second_verified second_verified_some
    second_mismatch
    // Invite
    new_client_title new_client_lead label label_hint label_help make_code making_code invite_title only_you_see
    read_aloud works_until expired number_then_words server_too nobody_tried tried_wrong tried_and_stopped burned was_used withdraw
    new_code copy_code hand_over hand_over_text make_link qr_name copy_link save_card link_until copied how_to_send
    send_good send_good_text send_fair send_fair_text send_bad send_bad_text card_text
    // Contact
    contact_fingerprint contact_fingerprint_text contact_no_fingerprint contact_history contact_compared_on
    contact_never contact_mismatch contact_invited show_invite invite_again invite_again_text forget forget_title forget_text forget_yes keep
    same_computer
    // Join
    join_title join_lead code_field paste number_first digits_to_go digit_to_go words_to_go word_to_go code_complete
    link_complete no_such_word did_you_mean wrong_place too_many_digits space_key complete_to remove_token
    go_to_waiting_room going not_complete use_link open_picture link_help what_then then_wait then_wait_text then_in
    then_in_text then_compare then_compare_text shared_computer shared_on code_wrong code_used home_title home_lead
    home_new_code code_from code_from_new denied_title denied_text
    // Waiting room (client)
    joining_title joining_lead waiting_title waiting_lead waiting_known waiting_known_plain waiting_same_keys
    waiting_new been_now been_minute been_minutes only_you_see_picture hide_picture show_picture picture_hidden
    leave waiting_footer put_back admitted_title admitted_lead letting_in_title letting_in_lead
    // Comparison
    compare_title compare_lead end read_these you_read_first they_read_first which_words which_digits none_of_these
    click_what_you_hear press_letter not_sure i_heard i_heard_this i_heard_none none_warning nothing_private
    nothing_private_text digits_instead words_instead show_fingerprint hide_fingerprint fingerprint_title
    fingerprint_text fingerprint_same fingerprint_differs fingerprint_differs_yes
    compared_camera scan_text scan_square scan_start scan_stop scan_hold scan_alone scan_by_camera compare_sent compare_sent_title compare_again
    compare_changed compare_changed_text compare_continuity compare_continuity_text recognise recognise_text
    recognise_first compared_how compared_here compared_phone compared_in_person compared_card marked their_picture own_picture
    no_picture_yet
    picture_after_words
    no_code_in_picture
    card_stored
    card_not_stored no_dialog
    // Session
    mute unmute camera camera_off camera_on no_camera no_microphone chat chat_new devices end_session link_good
    link_connecting link_weak_theirs link_weak_theirs_text link_weak_own link_weak_own_text link_weak link_lost
    link_lost_text words_compared keys_same own_picture_hold this_is_how their_mic_off their_camera_off frozen
    phone_title phone_text minutes of_minutes over_minutes chat_title chat_text chat_field chat_send chat_you
    chat_they chat_sending end_title end_text end_yes end_no end_put_back muted_said unmuted_said camera_off_said
    camera_on_said choose_device microphone speaker in_use no_devices session
    // After the session
    ended_title ended_text ended_lost_title ended_lost_text ended_abnormal_title ended_abnormal_text ended_timeout_title
    ended_timeout_text ended_error_title ended_error_text ended_blocked_title ended_blocked_text back_to_room
    back_to_start wait_again close_sotto mismatch_title mismatch_lead mismatch_text what_now step_call
    step_call_text step_tell step_tell_text step_invite step_invite_client step_invite_text new_invite noted
    // Can anyone listen?
    listen_title listen_yes_session listen_not_yet listen_no_session encrypted_twice your_computer
    your_computer_text relay relay_text their_computer their_computer_text their_computer_direct checked check_words
    check_words_text check_words_before check_words_missing check_words_missing_text check_keys check_keys_first
    check_fingerprint check_relay check_relay_text check_relay_known check_relay_known_text check_direct check_direct_text check_path_unknown check_own_key check_own_key_once
    check_own_key_first check_own_key_text check_transport check_integrity check_integrity_bad check_integrity_text check_sizes
    check_sizes_text check_sizes_bad check_sizes_bad_text check_capture
    check_capture_text check_capture_not check_capture_not_text others_see see_content see_who see_when see_volume
    see_network see_server see_relay see_person see_computer see_no see_yes see_addresses see_start listen_footer
    // Alerts
    alert_wrong_code alert_broken_off alert_burned alert_second_use alert_second_use_text alert_another_device
    alert_another_device_text alert_continuity alert_continuity_text alert_key_changed alert_key_changed_text
    alert_integrity alert_integrity_text alert_crowded alert_crowded_text
    // Settings, help, devices
    settings_title language look look_system look_light look_dark look_contrast zoom motion motion_text peek
    peek_text quick_exit quick_exit_text session_length compare_on_change compare_on_change_text lock_after lock_after_text locks_soon locks_footer server_setting server_save about help_title help_keys
    help_f6 help_esc help_admit help_mute help_camera help_chat help_v help_end help_shift help_zoom key_ctrl
    key_enter key_end key_shift devices_title devices_lead say_something level_quiet level_good level_loud
    level_name play_tone find_devices
}

impl Texts {
    /// Those of a language.
    #[must_use]
    pub const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &english::ENGLISH,
            Language::German => &german::GERMAN,
        }
    }
}

/// Puts values in place of `{0}`, `{1}` …
#[must_use]
pub fn fill(text: &str, values: &[&str]) -> String {
    let mut filled = text.to_owned();
    for (index, value) in values.iter().enumerate() {
        filled = filled.replace(&format!("{{{index}}}"), value);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<&str> {
        let mut found: Vec<_> = ["{0}", "{1}", "{2}"].into_iter().filter(|place| text.contains(place)).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn both_languages_say_everything_with_the_same_values() {
        let (english, german) = (Texts::of(Language::English), Texts::of(Language::German));
        let mut same = 0;
        for ((name, one), (_, other)) in english.all().zip(german.all()) {
            assert!(!one.trim().is_empty() && !other.trim().is_empty(), "{name} is empty");
            assert_eq!(places(one), places(other), "{name}");
            same += usize::from(one == other);
        }
        // Words that both languages share ("Chat", "Relay", "Passphrase"); a copied block would be many more.
        assert!(same <= 10, "{same} sentences are the same in both languages");
    }

    #[test]
    fn no_sentence_blames_shouts_or_promises() {
        for language in [Language::English, Language::German] {
            for (name, text) in Texts::of(language).all() {
                let lower = text.to_lowercase();
                for word in
                    ["error", "invalid", "failed", "oops", "fehlgeschlagen", "ungültig", "secure", "nutzer", "!"]
                {
                    assert!(!lower.contains(word), "{name}: {text}");
                }
            }
        }
    }
}
